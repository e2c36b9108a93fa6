"""OpenTelemetry traces: one span a request, and one for each of its stages. Only with the extra `otel`, when asked for.

The exporter is set up by its own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME.
"""

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from mia.errors import InvalidSettings
from mia.logs import Exchange

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer


class Traces:
    """Makes spans with a tracer; `provider` is flushed when the server ends."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401 - the extra may be missing
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

        self._provider, self._extract, self._in_context = provider, extract, set_span_in_context
        self._server, self._error = SpanKind.SERVER, StatusCode.ERROR
        self._tracer: Tracer = provider.get_tracer("mia")

    def begin(self, scope: Scope) -> "Span":
        """The span of a request, below that of its client where it names one."""
        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return self._tracer.start_span("request", self._extract(carried), kind=self._server)

    def end(self, span: "Span | None", method: str, route: str, status: int, exchange: Exchange) -> None:
        """Close the span, with a span for each stage inside it."""
        if span is None:
            return
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        span.set_attribute("mia.request_id", exchange.request_id)
        if status >= 500:
            span.set_status(self._error)
        inside, now = self._in_context(span), time_ns()
        at = now - int((perf_counter() - exchange.began) * 1e9)
        for name, seconds in exchange.stages:
            stage = self._tracer.start_span(name, inside, start_time=at)
            at += int(seconds * 1e9)
            stage.end(at)
        span.end()

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


def build_traces() -> Traces:
    """Traces that are exported by OTLP over HTTP; raises InvalidSettings without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InvalidSettings("traces: they need the extra: pip install 'mia[otel]'") from error
    # OTEL_SERVICE_NAME goes before this name.
    provider = TracerProvider(resource=Resource({"service.name": "mia"}).merge(Resource.create()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)
