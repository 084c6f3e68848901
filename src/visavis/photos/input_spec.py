"""The crops that a network takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from visavis.photos.align import check_crop
from visavis.photos.face import Colour


class InputSpec(BaseModel):
    """The crops that an encoder takes: uint8, NHWC.

    Attributes:
        width, height: pixels.
        colour: ``rgb`` (3 channels) or ``grey`` (1 channel).
        template: what the crop is made by, one of ``visavis.photos.align.CROPS``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    colour: Colour
    template: Annotated[str, AfterValidator(check_crop)]

    @property
    def channels(self) -> int:
        """1 or 3."""
        return 3 if self.colour == "rgb" else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one crop: height, width and channels."""
        return self.height, self.width, self.channels
