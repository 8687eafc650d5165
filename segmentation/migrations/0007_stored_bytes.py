"""The bytes of all files of a person in rows. What only the storage knows is measured by a worker, within seconds."""

from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Now

_ROWS = 500  # written at a time


def _fill(apps, _schema_editor):
    result, run = apps.get_model("segmentation", "Result"), apps.get_model("segmentation", "Run")
    results = result.objects.order_by("pk").only("pk", "files")
    last = None
    while chunk := list((results if last is None else results.filter(pk__gt=last))[:_ROWS]):
        for one in chunk:
            one.bytes = sum(file["bytes"] for file in one.files.values())
        result.objects.bulk_update(chunk, ["bytes"])
        last = chunk[-1].pk
    run.objects.filter(Q(inputs__mask__isnull=True) | Q(inputs__mask=None)).update(inputs_bytes=0)
    apps.get_model("segmentation", "Duty").objects.get_or_create(name="sizes", defaults={"due": Now()})


class Migration(migrations.Migration):

    dependencies = [
        ('segmentation', '0005_cached_file'),
    ]

    operations = [
        migrations.AddField(
            model_name='image',
            name='masks',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='image',
            name='stored_bytes',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='result',
            name='bytes',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='inputs_bytes',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='duty',
            name='name',
            field=models.CharField(choices=[('files', 'Sweep of the files'), ('retention', 'Removal of what has expired'), ('disk', 'Look at the room on the disk'), ('sizes', 'Measuring of what older releases have stored')], max_length=32, primary_key=True, serialize=False, verbose_name='duty'),
        ),
        migrations.RunPython(_fill, migrations.RunPython.noop, elidable=True),
    ]
