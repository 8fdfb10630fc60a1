"""Asks a server at the address given with the key given, as its users do; "no-key" is for a server that wants none."""

import sys
import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
models = [model.id for model in client.models.list()]
assert models == ["citrino-v1"], models
assert client.models.retrieve("citrino-v1").owned_by == "citrino"

messages = [
    {"role": "system", "content": "Sé breve."},
    {"role": "user", "content": "busco departamento en Equipetrol hasta 200 mil"},
]
whole = client.chat.completions.create(model="citrino-v1", messages=messages, temperature=0.2)
text = whole.choices[0].message.content
assert whole.choices[0].finish_reason == "stop" and "#" in text, whole
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0
assert len(whole.model_extra["citrino"]["recomendaciones"]) == 6

streamed, usage, ids = "", None, set()
for chunk in client.chat.completions.create(
    model="citrino-v1", messages=messages, stream=True, stream_options={"include_usage": True}
):
    ids.add(chunk.id)
    if chunk.choices:
        streamed += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert streamed == text and usage.total_tokens > 0 and len(ids) == 1, streamed

short = client.chat.completions.create(model="citrino-v1", messages=messages, max_tokens=4)
assert short.choices[0].finish_reason == "length", short
parts = [{"role": "user", "content": [{"type": "text", "text": messages[1]["content"]}]}]
assert client.chat.completions.create(model="citrino-v1", messages=parts).choices[0].message.content == text

for model, temperature, kind in [("gpt-9", 1, openai.NotFoundError), ("citrino-v1", 9, openai.BadRequestError)]:
    try:
        client.chat.completions.create(model=model, messages=messages, temperature=temperature)
        raise SystemExit("no error came")
    except kind as error:
        assert error.type == "invalid_request_error" and error.code, error
if sys.argv[2] != "no-key":
    try:
        client.with_options(api_key="another-key").models.list()
        raise SystemExit("no error came")
    except openai.AuthenticationError as error:
        assert error.type == "authentication_error" and error.code == "sin_autorizacion", error
print("todo bien")
