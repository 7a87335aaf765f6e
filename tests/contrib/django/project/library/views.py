"""Its views: one as most are written, one async."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tests.contrib.django.project.library.models import Member


@csrf_exempt
def rename(request: HttpRequest, key: int) -> HttpResponse:
    Member.objects.filter(pk=key).update(name=request.POST["name"])
    return HttpResponse(status=204)


@csrf_exempt
async def arename(request: HttpRequest, key: int) -> HttpResponse:
    await Member.objects.filter(pk=key).aupdate(name=request.POST["name"])
    return HttpResponse(status=204)
