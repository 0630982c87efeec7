"""A real ipykernel, driven as JupyterLab drives it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from jupyter_client.manager import KernelManager


@dataclass
class Ran:
    """What a cell's run put out, and what arrived for other cells meanwhile."""

    id: str
    status: str
    outputs: list[dict]

    def text(self, cell: Ran | None = None) -> str:
        """Printed and displayed text and errors below `cell` (this one, if None)."""
        wanted = (cell or self).id
        return "".join(_text(m) for m in self.outputs if m["parent_header"].get("msg_id") == wanted)


def _text(message: dict) -> str:
    content = message["content"]
    if message["msg_type"] == "stream":
        return content["text"]
    if message["msg_type"] == "error":
        return f"{content['ename']}: {content['evalue']}\n"
    return content.get("data", {}).get("text/plain", "") + "\n"


class Kernel:
    """A notebook kernel and its client."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, cell: str | None = None, *, wait: bool = True) -> Ran:
        """Run `code` as the cell with id `cell`."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        self.client.shell_channel.send(message)
        ran = Ran(message["header"]["msg_id"], "", [])
        return self.finish(ran) if wait else ran

    def finish(self, ran: Ran, seconds: float = 60) -> Ran:
        """Collect output until that run is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=seconds)
            if message["msg_type"] in ("stream", "error", "display_data", "execute_result"):
                ran.outputs.append(message)
            idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            if idle and message["parent_header"].get("msg_id") == ran.id:
                reply = self.client.get_shell_msg(timeout=seconds)
                while reply["parent_header"].get("msg_id") != ran.id:  # late answers to wait_for_ready
                    reply = self.client.get_shell_msg(timeout=seconds)
                ran.status = reply["content"]["status"]
                return ran
        pytest.fail("the cell did not end")

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self.client.context.destroy()


@pytest.fixture(scope="module")
def _kernel():
    kernel = Kernel()
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(_kernel):
    """One kernel for the tests of a module, emptied before each."""
    _kernel.run("%reset -f\nfrom mqttkit._lifetime import close_all; close_all()")
    return _kernel


@pytest.fixture
def new_kernel():
    """A kernel of its own, for a test that kills it."""
    kernel = Kernel()
    yield kernel
    kernel.close()
