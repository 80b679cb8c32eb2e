"""The schema of demonstrations: force at every step, images, what was commanded, what was said and how it ended."""

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
"""E episodes one after the other; `objects`, `approaches`, `frames` and `steps` say how many rows are an episode's.
The note of each says its `instruction` (text or None), `held`, `sure` and `seed`. The first letter of a shape is that
of what it has a row for.
"""
