"""JupyterLab in a browser, and what a student does in it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

TOKEN = "homework"
PATIENCE = 600  # seconds for any one thing; 250 were seen where others kept both cores busy
PATIENCE_FOR_ALL = 1200  # for a notebook from top to bottom: the third trains a network

NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",  # 3-D figures without a graphics card
    "--disable-dev-shm-usage",
    "--disable-renderer-backgrounding",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,1100",
)


# --- the server and the browser ------------------------------------------------------------------


def find_program(*names, package="chromium chromium-driver", places=()):
    """The path of the first of these programs; where CI is set a missing one is a failure."""
    search = os.pathsep.join([*map(str, places), *os.get_exec_path()])
    for name in names:
        if path := shutil.which(name, path=search):
            return path
    missing = f"no {names[0]}: on Debian `apt install {package}` brings it"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running_server(work, settings):
    """`crystalgraph lab --folder ...` on a port of its own; gives its address."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "crystalgraph", "lab", "--folder", str(work)]
    command += ["--no-browser", "--port", str(port)]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LanguageServerManager.autodetect=False"]  # a look for other programs
    command += ["--LabApp.expose_app_in_browser=True"]  # so that we can ask which cell is where
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    news = settings / "JUPYTER_CONFIG_DIR" / "lab" / "user-settings" / NEWS
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')  # it asks in front of the page
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
    chrome.command_executor.client_config.timeout = PATIENCE  # the page may draw for long
    chrome.set_script_timeout(PATIENCE)
    try:
        yield chrome
    finally:
        chrome.quit()


@contextmanager
def running_lab(folder):
    """JupyterLab on a student's copy of the homework, and a browser, with their files in a folder.

    Gives the browser's driver, the server's address, and the student's folder.
    """
    browser, driver = find_program(*BROWSERS), find_program("chromedriver")
    work, settings = folder / "work" / "hw", folder / "settings"
    settings.mkdir()
    with (
        running_server(work, settings) as address,
        running_browser(browser, driver, folder / "profile") as chrome,
    ):
        yield chrome, address, work


# --- what a student does -------------------------------------------------------------------------

CELLS = """
const panel = window.jupyterapp?.shell.currentWidget, notebook = panel?.content;
const cells = notebook?.widgets, shared = ({ model }) => model.sharedModel;
const idle = panel?.sessionContext?.session?.kernel?.status === 'idle';
const label = ({ model }) => model.getMetadata('nbgrader')?.grade_id ?? model.id;
const graded = ({ model }) => model.getMetadata('nbgrader')?.grade;
"""
CELL = CELLS + "const index = cells.findIndex(cell => label(cell) === arguments[0]);"
CELL += "const cell = cells[index];"
PASTE = """
const clipboardData = new DataTransfer();
clipboardData.setData('text/plain', arguments[0]);
const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
document.activeElement.dispatchEvent(paste);
"""
NOISE = """
const list = outputs => Array.from(outputs ?? [], (_, i) => outputs.get(i));
return cells.filter(cell => arguments[0] || !graded(cell)).flatMap(cell => list(cell.model.outputs))
  .filter(({ type }) => type === 'error' || type === 'stream').map(output => output.toJSON())
  .filter(({ output_type, name }) => output_type === 'error' || name === 'stderr');
"""
LINE = """
const editor = window.jupyterapp.shell.currentWidget.content.editor;
const lines = editor.model.sharedModel.source.split('\\n');
const place = { line: lines.findIndex(line => line.includes(arguments[0])), column: 0 };
"""


class Lab:
    """JupyterLab in a browser. Cells go by their grade_id, those without one by their id."""

    def __init__(self, driver, address, work, pictures):
        self.driver, self.address, self.work, self.pictures = driver, address, work, pictures

    def ask(self, code, *arguments):
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition, what, patience=PATIENCE):
        """Wait until a function gives something true, and return that."""
        passing = (NoSuchElementException, StaleElementReferenceException)  # the page is redrawn
        waiting = WebDriverWait(self.driver, patience, 0.1, ignored_exceptions=passing)
        try:
            return waiting.until(lambda _: condition(), f"waited in vain for {what}")
        except Exception:
            self.picture("failure")
            raise

    def picture(self, name):
        """Keep a picture of the page with the test's files."""
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def find(self, xpath):
        """The first such element that is to be seen."""

        def seen():
            found = self.driver.find_elements(By.XPATH, xpath)
            return next((element for element in found if element.is_displayed()), None)

        return self.wait(seen, xpath)

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

    def choose(self, menu, entry):
        """Choose from the menu bar."""
        self.find(f"//li[contains(@class, 'lm-MenuBar-item')][normalize-space()='{menu}']").click()
        self.find(f"//li[contains(@class, 'lm-Menu-item')][.//div[text()='{entry}']]").click()

    # files

    def open(self, name):
        """Open a notebook and wait until its kernel is ready."""
        self.driver.get(f"{self.address}/lab/tree/{name}?token={TOKEN}&reset")
        ready = CELLS + "return idle && panel.context.path === arguments[0]"
        self.wait(lambda: self.ask(ready, name), f"the kernel of {name}")

    def open_file(self, name):
        """Open a text file in a tab; by command, as a busy computer loses double clicks."""
        code = (
            "return window.jupyterapp.commands.execute('docmanager:open', { path: arguments[0] })"
        )
        self.ask(code + ".then(() => true)", name)
        self.wait_for_tab(name)

    def is_open(self, name):
        """Whether a file has a tab."""
        code = "return [...window.jupyterapp.shell.widgets('main')]"
        return self.ask(code + ".some(({ context }) => context?.path === arguments[0])", name)

    def show(self, name):
        """Bring the tab of an open file to the front."""
        bar = "//div[@id='jp-main-dock-panel']//li[contains(@class, 'lm-TabBar-tab')]"
        self.find(f"{bar}[.//div[text()='{name}']]").click()
        self.wait_for_tab(name)

    def wait_for_tab(self, name):
        ready = "const panel = window.jupyterapp.shell.currentWidget;"
        ready += "return panel?.context?.isReady && panel.context.path === arguments[0]"
        self.wait(lambda: self.ask(ready, name), f"the tab of {name}")

    def save(self):
        """Press Ctrl+S and wait until the file in front is saved."""
        self.press((Keys.CONTROL, "s"))
        saved = "return !window.jupyterapp.shell.currentWidget.context.model.dirty"
        self.wait(lambda: self.ask(saved), "the file to be saved")

    def close(self):
        """Stop the kernel of the notebook in front."""
        self.ask("return window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    # cells

    def cells(self):
        """All code cells: [{name, source, outputs, graded}]."""
        code = "return cells.filter(({ model }) => model.type === 'code').map(cell => ({"
        code += "name: label(cell), graded: graded(cell), ...shared(cell).toJSON() }))"
        return self.ask(CELLS + code)

    def cell(self, name):
        """Scroll to a cell and return its element."""
        self.ask(CELL + "notebook.activeCellIndex = index;", name)
        self.ask(CELL + "notebook.scrollToItem(index, 'center');", name)
        code = CELL + "return cell.inViewport && cell.isAttached ? cell.node : null"
        return self.wait(lambda: self.ask(code, name), f"cell {name} to be seen")

    def source(self, name):
        return self.ask(CELL + "return shared(cell).source", name)

    def outputs(self, name):
        """The outputs of a cell, as they are saved."""
        return self.ask(CELL + "return shared(cell).outputs", name)

    def count(self, name):
        """The number in brackets beside a cell."""
        return self.ask(CELL + "return shared(cell).execution_count", name)

    def noise(self, checks=False):
        """Warnings and errors of all cells, or of all but the checks."""
        return self.ask(CELLS + NOISE, checks)

    def wait_for_run(self, name, before=None, checks=False, patience=PATIENCE):
        """Wait until a cell has a new number and the kernel rests; noise ends it."""
        code = CELL + "return idle && shared(cell).execution_count"

        def done():
            assert not (noise := self.noise(checks)), noise
            return self.ask(code, name) not in (None, False, before)

        self.wait(done, f"{name} to be run", patience)

    def run(self, name):
        """Click into a cell and press Shift+Enter."""
        before = self.count(name)
        self.cell(name).find_element(By.CSS_SELECTOR, ".cm-content").click()
        self.press((Keys.SHIFT, Keys.ENTER))
        self.wait_for_run(name, before)

    def run_range(self, first, last):
        """Select the cells from one to another and press Shift+Enter."""
        before = self.count(last)
        self.cell(first)
        code = "notebook.deselectAll(); notebook.extendContiguousSelectionTo(index);"
        self.ask(CELL + code + "notebook.mode = 'command'; notebook.activate();", last)
        self.press((Keys.SHIFT, Keys.ENTER))
        self.wait_for_run(last, before)

    def restart_and_run_all(self, last):
        """Choose that from the menu, and wait for the last cell."""
        self.choose("Run", "Restart Kernel and Run All Cells…")
        self.find("//dialog//button[contains(@class, 'jp-mod-accept')]").click()
        self.wait_for_run(last, checks=True, patience=PATIENCE_FOR_ALL)

    # writing

    def replace_line(self, name, old, new):
        """Click on a line of a cell, and write in its place."""
        lines = self.cell(name).find_elements(By.CSS_SELECTOR, ".cm-line")
        next(line for line in lines if old in line.text).click()
        self.write_over_line(new)

    def replace_line_of_file(self, old, new):
        """Go to a line of the text file in front, and write in its place."""
        code = "editor.setCursorPosition(place); editor.revealPosition(place); editor.focus();"
        self.ask(LINE + code, old)
        self.write_over_line(new)

    def write_over_line(self, text):
        """Select the line of the cursor; type a single line in its place, paste several."""
        self.press(Keys.END, (Keys.SHIFT, Keys.HOME))
        if "\n" not in text:
            self.press(text)
            return
        self.ask(PASTE, text)
