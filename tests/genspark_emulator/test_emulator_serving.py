"""Starting and stopping the emulator."""

import subprocess
import sys

import httpx2
from emulator_client import COMPLETIONS, EmulatorClient, completion_body

from genspark_emulator import create_app
from genspark_emulator.serving import running


def test_every_app_has_a_memory_of_its_own() -> None:
    assert create_app().state.emulator is not create_app().state.emulator


def test_two_emulators_do_not_share_scripts(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "only here"}, times=None)
    headers = {"authorization": "Bearer gsk-1"}
    with running() as other:
        url = other.url + COMPLETIONS
        response = httpx2.post(url, json=completion_body(), headers=headers, trust_env=False)
        assert "only here" not in response.text
        assert other.state.journal.since()[0].status == 200


def test_leaving_breaks_off_open_streams() -> None:
    with running() as other, httpx2.Client(trust_env=False) as http:
        rule = {"first_event_delay_s": 60}
        http.post(other.url + "/__emulator__/script", json=rule)
        request = http.build_request(
            "POST",
            other.url + COMPLETIONS,
            json=completion_body(stream=True),
            headers={"authorization": "Bearer gsk-1"},
        )
        response = http.send(request, stream=True)
        assert response.status_code == 200
        response.close()


def test_the_program_serves_and_says_where() -> None:
    command = [sys.executable, "-m", "genspark_emulator", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().split()[3]
        help_page = httpx2.get(f"{url}/__emulator__/", trust_env=False)
        program.terminate()
        assert help_page.status_code == 200
