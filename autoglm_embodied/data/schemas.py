"""The schemas of what is collected and of what is learned from."""

from __future__ import annotations

from autoglm_embodied.data.shards import Schema

DEMONSTRATIONS = Schema(
    "demonstrations",
    2,
    {
        "seed": "(E,) int64 of the scene",
        "target": "(E,) int64 object that was to be held",
        "held": "(E,) bool the target and no other, after lift and shake",
        "wrong_object": "(E,) bool another object was up in the air",
        "tries": "(E,) int64 times the hand closed on the target",
        "seconds": "(E,) float64 simulated, until the expert was done",
        "hand_eye_m": "(E, 3) float64 hidden: how far the camera is believed to be from where it is",
        "camera": "(E, 6) float64 fx, fy, cx, cy [px], width, height",
        "T_base_camera": "(E, 4, 4) float64 of the optical frame, as believed",
        "grip_force_n": "(E,) float64 of each finger",
        "objects": "(E,) int64 objects of the episode",
        "approaches": "(E,) int64 times the hand came down",
        "frames": "(E,) int64",
        "steps": "(E,) int64",
        "object_shape": "(I,) int64 number of the random_urdfs, -1 for another shape",
        "object_extent_m": "(I, 3) float64 along its principal axes, largest first",
        "object_colour": "(I,) int64 index into COLOURS",
        "object_rgb": "(I, 3) float64",
        "object_mass_kg": "(I,) float64",
        "object_friction": "(I,) float64",
        "object_pose": "(I, 7) float64 at the start: centre of mass [m], quaternion w x y z",
        "approach_ns": "(A,) int64 when the hand set out",
        "approach_object": "(A,) int64 what it came down on: the target, or a neighbour to take aside",
        "approach_grasp": "(A, 5) float64 x, y, z of the fingertips [m], yaw [rad], opening [m]",
        "approach_tare": "(A, 6) float64 wrench called nothing until the next approach [N, N·m]",
        "approach_rgb": "(A, h, w, 3) uint8 just before, with the hand aside",
        "approach_depth_mm": "(A, h, w) uint16, 0 unknown",
        "approach_owner": "(A, h, w) int8 object of each pixel, -1 none",
        "frame_ns": "(F,) int64",
        "rgb": "(F, h, w, 3) uint8",
        "depth_mm": "(F, h, w) uint16, 0 unknown",
        "step_ns": "(S,) int64 every step of the physics, none left out",
        "wrench": "(S, 6) float32 as read, nothing tared, hand's frame, z down [N, N·m]",
        "pose": "(S, 4) float32 fingertips x, y, z [m], yaw [rad], base frame",
        "width_m": "(S,) float32",
        "commanded_pose": "(S, 4) float32",
        "commanded_width_m": "(S,) float32",
        "phase": "(S,) uint8 Phase",
    },
)
"""Force at every step, images, what was commanded, what was said and how it ended.

E episodes one after the other; `objects`, `approaches`, `frames` and `steps` say how many rows are an episode's.
The note of each says its `instruction` (text or None), `held`, `sure` and `seed`. The first letter of a shape is that
of what it has a row for.
"""

SAMPLES = Schema(
    "samples",
    3,
    {
        "rgb": "(n, h, w, 3) uint8",
        "depth_mm": "(n, h, w) uint16, 0 unknown",
        "pyramid": "(n, S, 5, 6) float32 [N, N·m]",
        "raw": "(n, R, 6) float32",
        "arm": "(n, 2 J + 9) float32, see model.inputs.arm_features",
        "gripper": "(n, 2) float32 width [m] and its rate",
        "ages_s": "(n, 4) float32, in the order of MODALITIES",
        "objects": "(n, T, 6) float32: index in COLOURS (-1: no object), in SHAPES (-1: another), centre [m], size [m]",
        "placed": "(n,) bool the objects are where the row says",
        "target": "(n,) int64 index of the named object, -1 where nothing is demonstrated",
        "twist": "(n, H, 6) float32 the expert's, base frame [m/s, rad/s]",
        "opened": "(n, H) float32 1 where the expert opens the gripper",
        "phase": "(n,) int64",
        "camera": "(n, 6) float64 fx, fy, cx, cy [px], width, height",
        "T_base_camera": "(n, 4, 4) float64 of the optical frame",
        "samples": "(E,) int64 samples of each episode, one after the other",
    },
)
"""What was sensed at an instant, what the expert did from then on, and what lay there.

n samples of E episodes; the note of each says its `instruction`, None where words are to be drawn.
"""

KEPT = ("pyramid", "raw", "arm", "gripper", "ages_s", "twist", "opened", "phase")
FOUND = {
    "latents": "(n, Q, D) float32 read from the image with the words",
    "latents_unnamed": "(n, Q, D) float32 read from it without words",
    "target_m": "(n, 3) float32",
    "spread_m": "(n,) float32",
    "language": "(n, D) float32 summary of the words",
}
GROUNDED = Schema("grounded", 1, {**dict.fromkeys(KEPT, "as in samples"), **FOUND})
"""What the frozen grounding found in n demonstrated samples, which the imitation stage reads many times."""

CROP_PIXELS, CROP_PIXEL_M = 48, 0.00275
"""Of the square that is cut out of a height map around a grasp."""

OUTCOMES = Schema(
    "outcomes",
    1,
    {
        "seed": "(n,) int64 of the scene",
        "object": "(n,) int64 index of the object that was wanted",
        "height_m": "(n, 48, 48) float16 above the fingertips' goal, CROP_PIXEL_M a pixel; rows along the closing y",
        "target": "(n, 48, 48) bool shows the object that is wanted",
        "seen": "(n, 48, 48) bool a pixel of the camera fell here",
        "grasp": "(n, 5) float64 x, y, z of the fingertips [m], yaw [rad], opening [m]; table at z = 0",
        "collided": "(n,) bool the descent was broken off",
        "contact_tip_m": "(n,) float32 height of the tips where something was felt on the way, NaN if nothing was",
        "contact_n": "(n,) float32 force there, NaN likewise",
        "width_m": "(n,) float32 opening after closing, NaN after a collision",
        "weight_n": "(n,) float32 after lifting 4 cm, NaN if there was nothing to lift",
        "wrench": "(n, 3, 2, 6) float32 tared, while descending, closing, lifting: mean and farthest from 0; NaN",
        "held_target": "(n,) bool it and no other was held through lift and shake",
        "held_any": "(n,) bool",
        "grip_force_n": "(n,) float32 of each finger",
        "hand_eye_m": "(n, 3) float32 hidden: how far the camera is believed to be from where it is",
        "table_m": "(n,) float32 height at which the table seemed to be, taken off all heights",
        "mass_kg": "(n,) float32 hidden, of the object",
        "friction": "(n,) float32 hidden, of the object",
    },
)
"""What came of n grasps, of which the camera showed what lies around each: 40 a scene, one after the other."""

IMAGE_PIXELS = 320
"""Edge of a labelled image, cut out of a camera's around the objects."""

LABELLED_IMAGES = Schema(
    "labelled_images",
    1,
    {
        "seed": "(n,) int64 of the scene",
        "rgb": "(n, 320, 320, 3) uint8",
        "depth_mm": "(n, 320, 320) uint16, 0 unknown",
        "owner": "(n, 320, 320) int8 object of each pixel, -1 none",
        "camera": "(n, 4) float64 fx, fy, cx, cy [px] of the part that was cut out",
        "T_base_camera": "(n, 4, 4) float64 of the optical frame",
        "colour": "(n, T) int64 index in COLOURS, -1 where no such object is seen",
        "noun": "(n, T, N) int8 for each of NOUNS: 1 people call it so, 0 they do not, -1 some do",
        "size_m": "(n, T, 2) float32 edge of a cube as large as its hull, and from its one end to the other",
        "centre_m": "(n, T, 3) float32 centre of mass, base frame",
    },
)
"""Images of n scenes in which the simulator says what each pixel shows; T objects at most."""
