"""Pictures of the site's pages in Chromium, wide and narrow, light and dark. No page may be wider than its window.

`make docs-look`. Needs Chromium and ChromeDriver; on Debian: apt-get install chromium chromium-driver.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from selenium import webdriver

PAGES = (
    "index",
    "tutorial",
    "how-to/drift",
    "reference/index",
    "reference/rules",
    "reference/api/polars.Expr.info.list.kl_div",
    "explanation/numerics",
    "explanation/accuracy",
    "explanation/benchmarks",
    "explanation/limits",
    "gallery/index",
)
WIDTHS = (1280, 390)
OVERFLOWING = """
const width = document.documentElement.clientWidth;
const article = document.querySelector('article');
const scrolls = e => e !== article && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
const wide = [...article.querySelectorAll('*')]
  .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement));
return wide.filter(e => !wide.some(inner => inner !== e && e.contains(inner)))
  .map(e => e.tagName + ' ' + e.textContent.slice(0, 60));
"""


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


def look(driver: webdriver.Chrome, site: Path, page: str, out: Path) -> list[str]:
    """Takes the pictures of a page, and returns what is wider than the window."""
    faults = []
    for width in WIDTHS:
        for mode in ("light", "dark"):
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
            )
            driver.get((site / f"{page}.html").resolve().as_uri())
            driver.execute_script(f"document.documentElement.dataset.theme = '{mode}'")
            faults += [f"{page} at {width}: {element}" for element in driver.execute_script(OVERFLOWING)]
            driver.save_screenshot(str(out / f"{page.replace('/', '-')}-{width}-{mode}.png"))
    return faults


def main(site: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    scripts = [str(page.relative_to(site).with_suffix("")) for page in sorted(site.glob("gallery/plot_*.html"))]
    driver = browser()
    try:
        faults = [fault for page in (*PAGES, *scripts) for fault in look(driver, site, page, out)]
    finally:
        driver.quit()
    sys.exit("\n".join(["wider than the window:", *faults]) if faults else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
