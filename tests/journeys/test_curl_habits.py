"""What people leave out when they type a request."""

from live import LiveServer


def test_json_without_its_content_type_is_read_as_json(key_server: LiveServer) -> None:
    for label in ("application/x-www-form-urlencoded", "text/plain"):
        reply = key_server.client.post(
            "/v1/images/generations",
            content=b'{"prompt": "a cat", "response_format": "url"}',
            headers={"Content-Type": label},
        )
        assert reply.status_code == 200, reply.text


def test_a_plain_form_is_read_as_well(key_server: LiveServer) -> None:
    fields = {"prompt": "a cat", "response_format": "url"}
    assert key_server.client.post("/v1/images/generations", data=fields).status_code == 200
