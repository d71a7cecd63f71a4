import matplotlib.image
import pytest

from amalthea.jobs.curves import draw_log


@pytest.mark.parametrize(("other", "panels"), [("0.50000001,0.40000001", 1), ("0.6,0.3", 2)])
def test_a_metric_that_is_the_loss_has_no_panel_of_its_own(tmp_path, other, panels):
    first, second = other.split(",")
    log = tmp_path / "log.csv"
    log.write_text(f"epoch,error,loss,val_loss\n0,{first},0.5,0.5\n1,{second},0.4,0.6\n")
    draw_log(log, tmp_path / "curves.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "curves.png").shape
    assert round(width / height / (4.5 / 3.4)) == panels
