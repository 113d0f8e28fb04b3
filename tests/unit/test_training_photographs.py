"""Rated photographs: what a table of ratings must be like."""

import cv2
import numpy as np
import pytest

from emsync.errors import InputError, NotFoundError
from emsync_training.picture_emotion.photographs import Photographs, read_picture

HEAD = "file,theme,valence_mean,arousal_mean\n"


def test_ratings_go_from_minus_one_to_one_and_themes_lose_their_number(tmp_path):
    write(tmp_path, f"{HEAD}Dog 1.jpg,Dog 1,7,4\nDog 12.jpg,Dog 12,2.5,1\n".encode())
    found = Photographs.read(tmp_path)
    assert found.theme.tolist() == ["Dog", "Dog"]
    assert found.ratings.tolist() == [[1.0, 0.0], [-0.5, -1.0]]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"\xff\xfe\x00\x00", "is not a table of ratings with the columns"),
        (b"a,b\n1,2\n", "is not a table of ratings with the columns"),
        (f"{HEAD}Dog 1.jpg,Dog 1,good,4\n".encode(), "is not a table of ratings"),
        (f"{HEAD}Dog 1.jpg,Dog 1,nan,4\n".encode(), "do not all lie between 1 and 7"),
        (f"{HEAD}Dog 1.jpg,Dog 1,8,4\n".encode(), "do not all lie between 1 and 7"),
        (HEAD.encode(), "do not all lie between 1 and 7"),
        (f"{HEAD}Cat 1.jpg,Cat 1,4,4\n".encode(), r"1 of 1 photographs .* 'Cat 1\.jpg' for one"),
        (f"{HEAD}../../x.jpg,x,4,4\n".encode(), r"'x\.jpg' for one"),
    ],
    ids=["no text", "columns", "word", "NaN", "eight", "empty", "not there", "elsewhere"],
)
def test_ratings_that_do_not_match_are_told_of(tmp_path, table, says):
    write(tmp_path, table)
    with pytest.raises(InputError, match=says):
        Photographs.read(tmp_path)


def test_a_folder_without_ratings_and_a_picture_that_is_none_are_told_of(tmp_path):
    with pytest.raises(NotFoundError, match=r"no file .*ratings\.csv"):
        Photographs.read(tmp_path)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match="not a picture"):
        read_picture(tmp_path / "text.jpg")


def write(folder, table):
    (folder / "images").mkdir()
    for name in ("Dog 1.jpg", "Dog 12.jpg"):
        cv2.imwrite(str(folder / "images" / name), np.zeros((4, 4, 3), np.uint8))
    (folder / "ratings.csv").write_bytes(table)
