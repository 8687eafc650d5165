from django.db import migrations, models

from segmentation.user_names import skeleton


def fill(apps, schema_editor):
    User = apps.get_model("segmentation", "User")
    for person in User.objects.only("pk", "username").iterator():
        User.objects.filter(pk=person.pk).update(skeleton=skeleton(person.username))


class Migration(migrations.Migration):

    dependencies = [
        ('segmentation', '0007_stored_bytes'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='skeleton',
            field=models.CharField(db_default='', db_index=True, default='', editable=False, max_length=300),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
