"""`spojka-hub metrics`: every metric with what it means, as the processes' `/metrics` gives them."""

from prometheus_client.metrics import MetricWrapperBase
from rich.table import Table

from hub.entrypoints import metrics
from hub.entrypoints.cli.opening import out


def list_metrics() -> None:
    """Names, kinds, labels and meaning; none bears anything about a person."""
    table = Table("name", "kind", "labels", "meaning")
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            (described,) = one.describe()
            name = f"{described.name}_total" if described.type == "counter" else described.name
            table.add_row(name, described.type, ", ".join(one._labelnames), described.documentation)  # noqa: SLF001 - the client tells labels nowhere else
    out.print(table)
