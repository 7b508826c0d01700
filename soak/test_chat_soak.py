"""Many thousand chats, good and bad, streamed and not: memory stays where it was."""

import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
from emulated import Emulator
from memory import memory_mb
from program import program

CHATS = int(os.environ.get("SOAK_CHATS", "12000"))
WORKERS = 6
GROWTH = 1.15
BAD = ("error_frame_mid", "empty_stream", "no_terminator", "huge_result", "server_overloaded")


def test_memory_is_bounded_over_many_chats(tmp_path: Path, emulator: Emulator) -> None:
    given = {
        "GS_COOKIE": "\n".join(f"account-{n}" for n in range(8)),
        "GENSPARK_BASE_URL": emulator.url,
        "REQUEST_RATE_LIMIT": "0",
    }
    samples: list[float] = []
    with program(tmp_path, **given) as server, ThreadPoolExecutor(WORKERS) as pool:
        client = httpx2.Client(base_url=server.url, timeout=60)
        for _ in range(20):
            for scenario in BAD:
                emulator.script({"flow": "chat", "scenario": scenario})
            list(pool.map(lambda n: _chat(client, n), range(CHATS // 20)))
            samples.append(memory_mb(server.process.pid))
        client.close()
    early, late = statistics.median(samples[2:10]), statistics.median(samples[10:])
    print(f"\n{CHATS} chats: {early:.0f} MB early, {late:.0f} MB late")
    assert late <= early * GROWTH


def _chat(client: httpx2.Client, number: int) -> None:
    body = {
        "model": "gpt-5.4",
        "stream": number % 2 == 0,
        "messages": [{"role": "user", "content": "x" * (number % 500)}],
    }
    client.post("/v1/chat/completions", json=body)
