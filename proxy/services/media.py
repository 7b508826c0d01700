"""Everything that the doors to images and videos need, in one place."""

from dataclasses import dataclass

from proxy.core.media_models import MediaCatalogue
from proxy.services.job_views import JobViews
from proxy.services.jobs import JobService
from proxy.services.links import Links
from proxy.services.media_plans import MediaPlans
from proxy.services.results import Results
from proxy.services.worker import Worker


@dataclass(slots=True)
class Media:
    """Built once, in the lifespan."""

    catalogue: MediaCatalogue
    plans: MediaPlans
    jobs: JobService
    views: JobViews
    links: Links
    results: Results
    worker: Worker
