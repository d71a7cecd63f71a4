import math

import matplotlib.image
import pytest

from amalthea.jobs import curves
from amalthea.jobs.curves import draw_log


@pytest.mark.parametrize(("other", "panels"), [("0.50000001,0.40000001", 1), ("0.6,0.3", 2)])
def test_a_metric_that_is_the_loss_has_no_panel_of_its_own(tmp_path, other, panels):
    first, second = other.split(",")
    log = tmp_path / "log.csv"
    log.write_text(f"epoch,error,loss,val_loss\n0,{first},0.5,0.5\n1,{second},0.4,0.6\n")
    draw_log(log, tmp_path / "curves.png")
    height, width, _ = matplotlib.image.imread(tmp_path / "curves.png").shape
    assert round(width / height / (4.5 / 3.4)) == panels


def test_what_only_held_out_images_have_is_drawn_and_many_panels_are_rows(tmp_path):
    def drawn(columns):
        log = tmp_path / "log.csv"
        rows = [",".join(f"{0.1 * (i + j):.1f}" for j in range(len(columns))) for i in range(2)]
        lines = [",".join(["epoch", *columns]), *(f"{i},{row}" for i, row in enumerate(rows))]
        log.write_text("\n".join(lines) + "\n")
        draw_log(log, tmp_path / "curves.png")
        height, width, _ = matplotlib.image.imread(tmp_path / "curves.png").shape
        return round(width / 540), round(height / 408)

    assert drawn(["loss", "a", "val_loss"]) == (2, 1)
    assert drawn(["loss", "a", "val_loss", "val_distance"]) == (3, 1)
    assert drawn(["loss", "a", "b", "c", "d", "val_distance"]) == (4, 2)


def test_trials_have_the_numbers_that_they_have_elsewhere(tmp_path, monkeypatch):
    drawn = []

    class Kept(curves.Figure):
        def savefig(self, *args, **kwargs):
            drawn.append(self)
            super().savefig(*args, **kwargs)

    monkeypatch.setattr(curves, "Figure", Kept)
    curves.draw_trials([0.5, math.nan, 0.25], "val_loss", "min", tmp_path / "trials.png")
    trials, best = drawn[0].axes[0].lines
    assert list(trials.get_xdata()) == list(best.get_xdata()) == [0, 1, 2]
    assert list(best.get_ydata()) == [0.5, 0.5, 0.25]
    assert (tmp_path / "trials.png").stat().st_size
