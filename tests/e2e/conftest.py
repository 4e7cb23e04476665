import pytest

from tests.e2e.shop import Shop


@pytest.fixture
def opened(tmp_path):
    """Starts a shop's stack by name, and stops all of them at the end."""
    shops = []

    def run(name, source, **environ):
        shop = Shop(tmp_path / name, source)
        shop.env |= environ
        shops.append(shop)
        started = shop.call("start")
        assert started.returncode == 0, started.stdout + started.stderr
        return shop

    yield run
    for shop in shops:
        shop.call("stop")
