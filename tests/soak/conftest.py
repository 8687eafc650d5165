import pytest
from sklearn.datasets import load_sample_image


@pytest.fixture(scope="session")
def china():
    """A photograph of 640 x 427 pixels."""
    return load_sample_image("china.jpg")
