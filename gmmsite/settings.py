"""All settings, read from the environment; every one is optional. The README has the table."""

import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from gmmsite import logs, machine, redis_settings, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Address of the site, and security settings that follow from it --------------------------------------------------

PORT = env.int("PORT", default=8000)
SITE_URL = env.str("SITE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_site = urlsplit(SITE_URL)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
if _site.scheme not in {"http", "https"} or not _site.hostname:
    raise ImproperlyConfigured(f"SITE_URL must look like https://gmm.example.org, not {SITE_URL!r}.")
if _site.query or _site.fragment:
    raise ImproperlyConfigured(f"SITE_URL is scheme, host and path only: {SITE_URL!r} has more.")
HTTPS = _site.scheme == "https"
SITE_PATH = _site.path  # "" for a site that has its host to itself, else like "/gmm"
FORCE_SCRIPT_NAME = SITE_PATH or None
if not HTTPS and _site.hostname not in _LOOPBACK:
    if not env.bool("GMM_INSECURE_HTTP", default=False):
        raise ImproperlyConfigured(
            f"{SITE_URL} is plain http on a public address: passwords and pictures would travel in clear text. "
            "Use https, or set GMM_INSECURE_HTTP=1 if that is what you want."
        )
    sys.stderr.write(f"GMM_INSECURE_HTTP: passwords and pictures travel in clear text to and from {SITE_URL}.\n")

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = [_site.hostname, *([] if HTTPS else sorted(_LOOPBACK - {_site.hostname}))]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
if HTTPS and not env.str("SECRET_KEY", default=""):
    raise ImproperlyConfigured("Set SECRET_KEY: a site on https needs a key of its own that all its processes share.")
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key.read_or_create(BASE_DIR / ".secret-key")

# The number of trusted proxies in front of the site. Each must set X-Forwarded-Proto and append to X-Forwarded-For, and no other
# client may reach the web process directly, because it could claim any address.
GMM_TRUSTED_PROXIES = env.int("GMM_TRUSTED_PROXIES", default=1 if HTTPS else 0)
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GMM_TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# HSTS for subdomains, and preloading, are decisions of the owner of the domain
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(SITE_PATH.lstrip('/'))}/?healthz$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Below a path, cookies are limited to it. The prefix __Host- would require the path /.
_cookie_prefix = ("__Secure-" if SITE_PATH else "__Host-") if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_cookie_prefix}sessionid", f"{_cookie_prefix}csrftoken"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = SITE_PATH or "/"
DEVICE_COOKIE_NAME = f"{_cookie_prefix}device"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Applications ----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "segmentation",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_tasks",
]
MIDDLEWARE = [
    "gmmsite.middleware.LogContext",
    "segmentation.middleware.AnswerHeaders",
    "segmentation.middleware.ApiProblems",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "segmentation.authentication.Authentication",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "segmentation.views.errors.ErrorMiddleware",
    "gmmsite.sign_in_redirect.ReturnAfterSignIn",
]
if DEBUG and env.bool("GMM_TOOLBAR", default=False):
    INSTALLED_APPS.append("debug_toolbar")
    MIDDLEWARE.insert(6, "debug_toolbar.middleware.DebugToolbarMiddleware")
    INTERNAL_IPS = ["127.0.0.1"]
ROOT_URLCONF = "gmmsite.urls"
WSGI_APPLICATION = "gmmsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "debug": DEBUG or "pytest" in sys.modules,  # needed for coverage of templates
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "segmentation.context_processors.interface",
            ],
        },
    }
]

# --- Accounts --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "segmentation.User"
AUTHENTICATION_BACKENDS = [
    "segmentation.accounts.backend.AccountBackend",  # only one: each further backend would compute another password hash
]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
        for name, options in (
            ("UserAttributeSimilarityValidator", {}),
            ("MinimumLengthValidator", {"min_length": 10}),  # the pages say so, too
            ("CommonPasswordValidator", {}),
            ("NumericPasswordValidator", {}),
        )
    ),
    {"NAME": "segmentation.accounts.passwords.GuessesValidator"},
]
REGISTRATION_OPEN = env.bool("REGISTRATION_OPEN", default=True)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "segmentation.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "segmentation.accounts.forms.SignupForm",
    "reset_password": "segmentation.accounts.forms.ResetPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_PRESERVE_USERNAME_CASING = False
# The sign-up does not reveal who has an account: a second account can have the same e-mail address until the address is confirmed.
# Only a user name can be reported as taken, since names are unique; the sign-up limits the requests of one client address.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_BLACKLIST = [
    *("admin", "administrator", "anonymous", "gmm", "gmm-studio", "gmmstudio", "root", "staff"),
    *("superuser", "support", "system", "webmaster"),
]
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# An e-mail address can be used to set a new password, so it can only be changed after entering the present password.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
PASSWORD_RESET_TIMEOUT = 3600  # messages and pages say one hour
# Rate limits are counted by client address. Without this setting, all clients behind a proxy would share the address of the proxy,
# and ten wrong passwords of one of them would lock out everybody.
ALLAUTH_TRUSTED_PROXY_COUNT = GMM_TRUSTED_PROXIES
ACCOUNT_RATE_LIMITS = {
    "login": "",  # any request to the page; the adapter counts instead, because it knows devices
    "login_attempt": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",  # by the user name or e-mail address that was tried
    "login_failed_on_known_device": "10/5m/key",  # by browser and account
}

# --- Mail: printed to the console unless EMAIL_URL is set ------------------------------------------------------------

EMAIL_CONFIGURED = bool(env.str("EMAIL_URL", default=""))
_mail = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST"), _mail.get("EMAIL_PORT")
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER"), _mail.get("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds for which a page waits for the mail server
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"GMM Studio <no-reply@{_site.hostname}>")
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*" if EMAIL_CONFIGURED else "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional" if EMAIL_CONFIGURED else "none"

# --- Data ------------------------------------------------------------------------------------------------------------

GMM_LEASE_SECONDS = env.float("GMM_LEASE_SECONDS", default=30.0)
# A worker that waits for a lock must still write its heartbeat in time. SQLite has one lock for all writers, and readers never
# wait. PostgreSQL locks rows, but a statement can also wait for the lock of a table, and each statement has a timeout of its own.
_LOCK_SECONDS_SQLITE = min(20.0, GMM_LEASE_SECONDS * 2 / 3)
_LOCK_SECONDS_POSTGRESQL = min(5.0, GMM_LEASE_SECONDS / 6)
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": _LOCK_SECONDS_SQLITE,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # A file also in tests: the processes and threads of a test must see the same rows and use the same locks.
    DATABASES["default"]["TEST"] = {"NAME": env.str("TEST_DATABASE", default=str(BASE_DIR / ".make" / "test.sqlite3"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Not for SQLite: closing its last connection merges the write-ahead log into the database file.
    DATABASES["default"]["CONN_MAX_AGE"], DATABASES["default"]["CONN_HEALTH_CHECKS"] = 60, True
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "options": f"-c lock_timeout={_LOCK_SECONDS_POSTGRESQL * 1000:.0f}",
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(BASE_DIR / "media")))
STATIC_URL = f"{SITE_PATH}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
_S3_BUCKET = env.str("AWS_STORAGE_BUCKET_NAME", default="")
_MEDIA: dict[str, Any] = {"BACKEND": "segmentation.storage.local.LocalMedia"}
if _S3_BUCKET:
    _MEDIA = {
        "BACKEND": "segmentation.storage.s3.S3Media",
        "OPTIONS": {
            "bucket_name": _S3_BUCKET,
            "endpoint_url": env.str("AWS_S3_ENDPOINT_URL", default=None),
            "region_name": env.str("AWS_S3_REGION_NAME", default=None),
            "querystring_expire": 60,
        },
    }
STORAGES: dict[str, Any] = {
    "default": _MEDIA,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or "pytest" in sys.modules
        else "gmmsite.storage.HashedStaticFiles",
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},  # static files are public
    },
}
# What sends originals after the site has checked the permission: the site itself, nginx (X-Accel), or S3 (a link that is valid for
# a minute). All other files are sent by the site.
GMM_DOWNLOADS = env.str("GMM_DOWNLOADS", default="site")
if GMM_DOWNLOADS not in {"site", "nginx", "s3"}:
    raise ImproperlyConfigured(f"GMM_DOWNLOADS is site, nginx or s3, not {GMM_DOWNLOADS!r}.")
if (GMM_DOWNLOADS == "s3" and not _S3_BUCKET) or (GMM_DOWNLOADS == "nginx" and _S3_BUCKET):
    raise ImproperlyConfigured(
        "GMM_DOWNLOADS=s3 needs AWS_STORAGE_BUCKET_NAME, and GMM_DOWNLOADS=nginx pictures on a disk that nginx reads."
    )
SENDFILE_BACKEND = "django_sendfile.backends.nginx"
SENDFILE_ROOT, SENDFILE_URL = MEDIA_ROOT, "/_gmm_media"  # the internal location in gmmsite/deploy/nginx.conf
FILE_UPLOAD_HANDLERS = ["segmentation.upload_handlers.IncomingUploadHandler"]  # the sandbox reads the file itself
# Only the user of the site can read its files; where nginx sends originals, its group can, too (see gmmsite/deploy).
UMASK = 0o027 if GMM_DOWNLOADS == "nginx" else 0o077
FILE_UPLOAD_PERMISSIONS = 0o666 & ~UMASK
WHITENOISE_USE_FINDERS = DEBUG

# --- Background work, and services that processes share ---------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", default="")
GMM_WEB_PROCESSES = env.int("GMM_WEB_PROCESSES", default=1)
if GMM_WEB_PROCESSES > 1 and not REDIS_URL:
    raise ImproperlyConfigured(
        f"GMM_WEB_PROCESSES={GMM_WEB_PROCESSES} needs REDIS_URL: the limits on uploads and sign-ins are counted in a cache "
        "that all processes share."
    )
_BACKENDS = {"rows": "segmentation.tasks.rows.RowsBackend", "rq": "segmentation.tasks.redis_queue.RedisBackend"}
TASKS_BACKEND = env.str("TASKS_BACKEND", default="rows")
if TASKS_BACKEND not in _BACKENDS:
    raise ImproperlyConfigured(f"TASKS_BACKEND must be rows (one machine) or rq (many), not {TASKS_BACKEND!r}.")
if TASKS_BACKEND == "rq" and not REDIS_URL:
    raise ImproperlyConfigured("TASKS_BACKEND=rq needs REDIS_URL, for example redis://127.0.0.1:6379/0.")
TASKS = {"default": {"BACKEND": _BACKENDS[TASKS_BACKEND]}}
if REDIS_URL:
    CACHES, RQ_QUEUES = redis_settings.cache(REDIS_URL), redis_settings.queues(REDIS_URL)
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- Limits ----------------------------------------------------------------------------------------------------------

GMM_MAX_UPLOAD_BYTES = env.int("GMM_MAX_UPLOAD_BYTES", default=50_000_000)
GMM_MAX_PIXELS = env.int("GMM_MAX_PIXELS", default=50_000_000)
GMM_MAX_DECODED_BYTES = env.int("GMM_MAX_DECODED_BYTES", default=400_000_000)
GMM_CACHE_BYTES = env.int("GMM_CACHE_BYTES", default=5_000_000_000)  # of files that can be made again
GMM_HEIC = env.bool("GMM_HEIC", default=True)  # when off, its codec, which is under the GPL, is not loaded
GMM_QUOTA_ACTIVE_RUNS = env.int("GMM_QUOTA_ACTIVE_RUNS", default=50)
GMM_QUOTA_BYTES = env.int("GMM_QUOTA_BYTES", default=20_000_000_000)
GMM_QUOTA_IMAGES = env.int("GMM_QUOTA_IMAGES", default=10_000)
GMM_RATE_UPLOADS = env.int("GMM_RATE_UPLOADS", default=1000)  # of one person in an hour
GMM_DISK_WARNING = env.int("GMM_DISK_WARNING", default=2_000_000_000)  # bytes left below which staff are warned
GMM_WORKER_SLOTS = env.int("GMM_WORKER_SLOTS", default=0) or machine.cores()
WORKER_SHORT_SLOTS = machine.short_slots(GMM_WORKER_SLOTS)
WEB_THREADS = 8  # of a web process; pictures are decoded in child processes of the sandbox
GMM_WEB_CHILDREN = env.int("GMM_WEB_CHILDREN", default=2)
GMM_STOP_SECONDS = env.float("GMM_STOP_SECONDS", default=10.0)
GMM_MAX_ATTEMPTS = env.int("GMM_MAX_ATTEMPTS", default=3)
GMM_RUN_MEMORY = env.int("GMM_RUN_MEMORY", default=0) or machine.run_memory(
    memory=machine.memory(), slots=GMM_WORKER_SLOTS
)
GMM_RUN_SECONDS = env.float("GMM_RUN_SECONDS", default=3600.0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000  # for form fields other than files

# --- Language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
LOCALE_PATHS = [BASE_DIR / "segmentation" / "locale"]
FORMAT_MODULE_PATH = "gmmsite.formats"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
SITE_ID = 1

# --- Logs and metrics ------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
LOGGING = logs.configuration(log_format=LOG_FORMAT, level=LOG_LEVEL)
GMM_METRICS_TOKEN = env.str("GMM_METRICS_TOKEN", default="")  # when empty, only staff can read /metrics
