"""The homework in JupyterLab and a browser: run all, fill in a stub, see the check turn green."""

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest
from course_copy import filled
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.color import Color
from selenium.webdriver.support.ui import WebDriverWait

from crystalgraph.paths import REPO
from crystalgraph.release import STUDENT_MODEL, find_holes

pytestmark = pytest.mark.slow

FIRST, SECOND = "1_from_salt_to_graph.ipynb", "2_build_the_network.ipynb"
TOKEN = "homework"
GREEN = "#2e7d32"
PATIENCE = 60  # seconds for any one thing; 20 were seen on two busy cores

LAB = """
import sys
from pathlib import Path
from crystalgraph.cli import main
from crystalgraph.commands import lab

lab.WORK = Path(sys.argv.pop(1))  # a student's own work/hw is left alone
sys.exit(main())
"""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # 3-D figures without a graphics card
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,1100",
)


# --- the server and the browser ------------------------------------------------------------------


def find_program(*names):
    """The path of the first of these programs; where CI is set a missing one is a failure."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"no {names[0]}: on Debian `apt install chromium chromium-driver` brings it"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running_server(work, settings):
    """`crystalgraph lab --no-browser --port ...` with another work folder; gives its address."""
    port = free_port()
    command = [sys.executable, "-c", LAB, str(work), "lab", "--no-browser", "--port", str(port)]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True"]  # so that we can ask which cell is where
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    environment = {**os.environ, **{name: str(settings / name) for name in folders}}
    log = settings / "lab.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for_server(address, process, log)
            yield address
        finally:
            stop(process)


def wait_for_server(address, process, log):
    """Return when the server answers; fail with its log when it does not."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def stop(process):
    process.terminate()  # JupyterLab stops its kernels first
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running_browser(browser, driver, profile):
    """Headless Chromium with an empty profile, driven by the system's own chromedriver."""
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One JupyterLab and one browser for all tests: (driver, address, work folder)."""
    browser, driver = find_program(*BROWSERS), find_program("chromedriver")
    folder = tmp_path_factory.mktemp("lab")
    work, settings = folder / "work" / "hw", folder / "settings"
    settings.mkdir()
    with (
        running_server(work, settings) as address,
        running_browser(browser, driver, folder / "profile") as chrome,
    ):
        yield chrome, address, work


@pytest.fixture
def lab(running, tmp_path):
    return Lab(*running, tmp_path)


# --- what a student does -------------------------------------------------------------------------

CELLS = "const panel = window.jupyterapp?.shell.currentWidget, cells = panel?.content.widgets;"
CELL = (
    CELLS
    + """
const index = cells.findIndex(
  ({ model }) => [model.getMetadata('nbgrader')?.grade_id, model.id].includes(arguments[0])
);
const cell = cells[index], notebook = panel.content, shared = cell.model.sharedModel;
"""
)
IDLE = "const idle = panel?.sessionContext?.session?.kernel?.status === 'idle';"


class Lab:
    """JupyterLab in a browser. Cells go by their grade_id, those without one by their id."""

    def __init__(self, driver, address, work, pictures):
        self.driver, self.address, self.work, self.pictures = driver, address, work, pictures

    def ask(self, code, *arguments):
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition, what):
        """Wait until a function gives something true, and return that."""
        passing = (NoSuchElementException, StaleElementReferenceException)  # the page is redrawn
        waiting = WebDriverWait(self.driver, PATIENCE, 0.2, ignored_exceptions=passing)
        try:
            return waiting.until(lambda _: condition(), f"waited in vain for {what}")
        except Exception:
            self.picture("failure")
            raise

    def picture(self, name):
        """Keep a picture of the page with the test's files."""
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def open(self, name):
        """Open a notebook and wait until its kernel is ready."""
        self.driver.get(f"{self.address}/lab/tree/{name}?token={TOKEN}&reset")
        ready = CELLS + IDLE + "return idle && panel.context.path === arguments[0]"
        self.wait(lambda: self.ask(ready, name), f"the kernel of {name}")

    def choose(self, menu, entry):
        """Choose from the menu bar."""
        self.click(f"//li[contains(@class, 'lm-MenuBar-item')][normalize-space()='{menu}']")
        self.click(f"//li[contains(@class, 'lm-Menu-item')][.//div[text()='{entry}']]")

    def click(self, xpath):
        def find():
            found = self.driver.find_elements(By.XPATH, xpath)
            return next((element for element in found if element.is_displayed()), None)

        self.wait(find, xpath).click()

    def cell(self, name):
        """Scroll to a cell and return its element."""
        self.ask(CELL + "notebook.activeCellIndex = index;", name)
        self.ask(CELL + "notebook.scrollToItem(index, 'center');", name)
        code = CELL + "return cell.inViewport && cell.isAttached ? cell.node : null"
        return self.wait(lambda: self.ask(code, name), f"cell {name} to be seen")

    def source(self, name):
        return self.ask(CELL + "return shared.source", name)

    def outputs(self, name):
        """The outputs of a cell, as they are saved."""
        return self.ask(CELL + "return shared.outputs", name)

    def count(self, name):
        """The number in brackets beside a cell."""
        return self.ask(CELL + "return shared.execution_count", name)

    def wait_for_run(self, name, before=None):
        """Wait until a cell has a new number and the kernel rests."""
        code = CELL + IDLE + "return idle && shared.execution_count"
        self.wait(lambda: self.ask(code, name) not in (None, False, before), f"{name} to be run")

    def run(self, name):
        """Click into a cell and press Shift+Enter."""
        before = self.count(name)
        self.cell(name).find_element(By.CSS_SELECTOR, ".cm-content").click()
        self.press((Keys.SHIFT, Keys.ENTER))
        self.wait_for_run(name, before)

    def replace_line(self, name, old, new):
        """Click on a line of a cell, select it and type another one instead."""
        lines = self.cell(name).find_elements(By.CSS_SELECTOR, ".cm-line")
        next(line for line in lines if old in line.text).click()
        self.press(Keys.END, (Keys.SHIFT, Keys.HOME), new)

    def press(self, *strokes):
        """Press keys; those in a tuple together."""
        actions = ActionChains(self.driver, duration=50)
        for stroke in strokes:
            *held, last = stroke if isinstance(stroke, tuple) else (stroke,)
            for key in held:
                actions.key_down(key)
            actions.send_keys(last)
            for key in held:
                actions.key_up(key)
        actions.perform()

    def noise(self):
        """Warnings and errors of all cells but the checks."""
        code = "return cells.filter(({ model }) => !model.getMetadata('nbgrader')?.grade)"
        code += ".flatMap(({ model }) => model.sharedModel.outputs ?? [])"
        outputs = self.ask(CELLS + code)
        return [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]


def assert_not_implemented(lab, check, task):
    """A check of an untouched stub says so, in two lines."""
    (output,) = lab.outputs(check)
    assert output["ename"] == "CheckFailed", "\n".join(output["traceback"])
    shown = lab.cell(check).find_element(By.CSS_SELECTOR, ".jp-OutputArea").text
    assert f"Task {task} is not implemented yet: fill in" in shown
    assert len(shown.strip().splitlines()) == 2, shown


def assert_green(lab, check, task):
    """A check shows its report in green, with all points, and then the number for nbgrader."""
    report = lab.cell(check).find_element(By.CSS_SELECTOR, ".jp-RenderedHTMLCommon > div")
    color = report.value_of_css_property("border-left-color")
    assert Color.from_string(color).hex == GREEN
    assert report.text.startswith(f"Task {task}, ")
    assert "4 of 4 points" in report.text and "✗" not in report.text
    assert lab.outputs(check)[-1]["data"]["text/plain"] == "4.0"


def assert_drawn(lab, cell):
    """The 3-D figure under a cell is there."""

    def canvas():
        figure = lab.cell(cell).find_element(By.CSS_SELECTOR, ".jp-OutputArea")
        assert "WebGL is not supported" not in figure.text
        return figure.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .gl-container canvas")

    lab.wait(canvas, f"the figure of {cell}")


def solution_line(notebook, grade_id, function):
    """The answer to a task of a notebook; one line, because it will be typed."""
    cells = nbformat.read(REPO / "solutions" / "hw" / notebook, as_version=4).cells
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    source = cells[ids.index(grade_id)].source
    (hole,) = find_holes(source, notebook)
    assert hole.function == function
    lines = source.split("\n")[hole.begin + 1 : hole.end]
    (line,) = textwrap.dedent("\n".join(lines)).strip().split("\n")
    return line


def test_a_stub_filled_in_by_hand_turns_its_check_green(lab):
    lab.open(FIRST)
    lab.choose("Run", "Run All Cells")
    lab.wait_for_run("check_1_1")
    assert_not_implemented(lab, "check_1_1", "1.1")
    lab.picture("1_not_implemented")
    assert not lab.noise()

    answer = solution_line(FIRST, "task_1_1", "atom_vectors")
    lab.replace_line("task_1_1", "raise NotImplementedError", answer)
    assert lab.source("task_1_1").endswith(f'"""\n    {answer}')
    lab.run("task_1_1")
    lab.run("check_1_1")
    assert_green(lab, "check_1_1", "1.1")
    lab.picture("1_green")

    assert_drawn(lab, "load-nacl")
    lab.picture("1_crystal")


def test_an_edited_model_hw_is_picked_up_without_a_restart(lab):
    lab.open(SECOND)
    lab.choose("Run", "Run All Cells")
    lab.wait_for_run("check_2_3")
    assert_not_implemented(lab, "check_2_3", "2.3")
    lab.picture("2_not_implemented")
    assert not lab.noise()

    model = (REPO / "model.py").read_text(encoding="utf-8")
    student_model = lab.work / STUDENT_MODEL
    assert student_model.read_text(encoding="utf-8") == filled(model, STUDENT_MODEL, ())
    student_model.write_text(filled(model, STUDENT_MODEL, {"2.3"}), encoding="utf-8")
    before = lab.count("check_2_3")
    lab.run("check_2_3")
    assert_green(lab, "check_2_3", "2.3")
    lab.picture("2_green")
    assert lab.count("check_2_3") == before + 1  # a restarted kernel counts from 1
