"""Model and field get the names of the code; table and column keep theirs, since workers of the release before use them.

Who may see the periodic tasks may still do so: permissions are named after the model, and Django makes new ones.
"""

from django.db import migrations, models

_ACTIONS = ("add", "change", "delete", "view")


def _copy_grants(apps, _schema_editor):
    """Give the permissions on `periodictask` to everybody who has those on `duty`, which old web processes still ask for."""
    ContentType, Permission = apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")
    for action in _ACTIONS:
        old = Permission.objects.filter(content_type__app_label="segmentation", codename=f"{action}_duty").first()
        if old is None:
            continue  # a new site: Django makes the permissions after the last migration
        content_type, _ = ContentType.objects.get_or_create(app_label="segmentation", model="periodictask")
        new, _ = Permission.objects.get_or_create(
            content_type=content_type,
            codename=f"{action}_periodictask",
            defaults={"name": f"Can {action} periodic task"},
        )
        new.user_set.add(*old.user_set.all())
        new.group_set.add(*old.group_set.all())


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('segmentation', '0009_job_output'),
    ]

    operations = [
        migrations.AlterModelTable(name='duty', table='segmentation_duty'),
        migrations.RenameModel(old_name='Duty', new_name='PeriodicTask'),
        migrations.AlterField(
            model_name='result',
            name='facts',
            field=models.JSONField(db_column='facts', default=dict),
        ),
        migrations.RenameField(model_name='result', old_name='facts', new_name='extras'),
        migrations.RunPython(_copy_grants, migrations.RunPython.noop),
    ]
