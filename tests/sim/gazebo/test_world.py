from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
from autoglm_embodied_sim.gazebo.element import DIALECTS
from autoglm_embodied_sim.gazebo.world import MESHES, Setting, resting_m, scene_model, write_world
from autoglm_embodied_sim.objects.shape import box
from autoglm_embodied_sim.robots.servo import JOINT_SPEED_RAD_S
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.scene_object import SceneObject
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.camera import CameraSettings
from scipy.spatial.transform import Rotation
from sdf_check import complaints, needs_libsdformat, unknown
from sdf_model import link_poses, named, numbers, pose

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot, forward_kinematics

ROBOT = Robot.from_file(shipped("panda.yaml"))
JOINTS = ROBOT.joint_names + ROBOT.finger_joint_names
SCENE = sample_grasp_scene(suite_named("primitives"), (), 3)
SENSED = ("sensor", "plugin")  # what the versions write differently


@pytest.fixture(scope="module")
def model() -> Any:
    return scene_model(SCENE, CameraSettings.from_file())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("worlds")
    return {name: write_world(SCENE, Setting.shipped(), dialect, folder / name) for name, dialect in DIALECTS.items()}


@pytest.fixture(scope="module", params=DIALECTS)
def world(request: pytest.FixtureRequest, files: dict[str, Path]) -> ElementTree.Element:
    root = ElementTree.parse(files[request.param]).getroot()
    assert root.attrib["version"] == ("1.7" if request.param == "classic" else "1.9")
    found = root.find("world")
    assert found is not None
    return found


def arm(world: ElementTree.Element) -> ElementTree.Element:
    return named(world, "model", ROBOT.name)


@needs_libsdformat
@pytest.mark.parametrize("name", DIALECTS)
def test_libsdformat_accepts_the_world_and_knows_all_of_it(name: str, files: dict[str, Path]) -> None:
    assert complaints(files[name]) == []
    assert unknown(files[name]) == []


@needs_libsdformat
def test_a_misspelt_element_or_attribute_would_be_found(tmp_path: Path, files: dict[str, Path]) -> None:
    text = files["gz"].read_text()
    wrong = text.replace("radius>", "radiuss>").replace("<visual name=", "<visual nam=", 1)
    (tmp_path / "wrong.sdf").write_text(wrong)
    found = unknown(tmp_path / "wrong.sdf")
    assert any(name.endswith("/radiuss") for name in found) and any(name.endswith("@nam") for name in found)


@needs_libsdformat
def test_a_joint_without_its_link_would_be_found(tmp_path: Path, files: dict[str, Path]) -> None:
    text = files["gz"].read_text().replace("<child>panda_link3<", "<child>panda_link33<")
    (tmp_path / "wrong.sdf").write_text(text)
    assert any("Error" in line for line in complaints(tmp_path / "wrong.sdf"))


def test_masses_and_inertias_are_those_of_the_model(world: ElementTree.Element, model: Any) -> None:
    for link in arm(world).findall("link"):
        body = model.body(link.attrib["name"].removeprefix("panda_")).id
        _same_inertial(link, model, body)
    for name in (f"object{index}" for index in range(len(SCENE.objects))):
        _same_inertial(named(named(world, "model", name), "link", "link"), model, model.body(name).id)


def _same_inertial(link: ElementTree.Element, model: Any, body: int) -> None:
    inertial = link.find("inertial")
    assert inertial is not None
    moments = {name: float(inertial.findtext(f"inertia/{name}", "nan")) for name in ("ixx", "iyy", "izz", "ixy")}
    assert float(inertial.findtext("mass", "nan")) == pytest.approx(model.body_mass[body], rel=1e-9)
    assert [moments["ixx"], moments["iyy"], moments["izz"]] == pytest.approx(model.body_inertia[body], rel=1e-9)
    assert moments["ixy"] == 0
    T, rotation = pose(inertial), np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.body_iquat[body])
    np.testing.assert_allclose(T[:3, 3], model.body_ipos[body], atol=1e-9)
    np.testing.assert_allclose(T[:3, :3], rotation.reshape(3, 3), atol=1e-9)


def test_the_wrist_sensor_reads_what_the_hand_does_to_the_flange(world: ElementTree.Element) -> None:
    sensor = named(arm(world), "joint", "panda_ft").find("sensor")
    assert sensor is not None and sensor.findtext("force_torque/frame") == "child"
    assert sensor.findtext("force_torque/measure_direction") == "child_to_parent"
    assert named(arm(world), "joint", "panda_ft").findtext("child") == "panda_hand"


def test_joints_have_the_models_limits_and_servos(world: ElementTree.Element, model: Any) -> None:
    for index, name in enumerate(JOINTS):
        axis = named(arm(world), "joint", name).find("axis")
        assert axis is not None
        limits = [float(axis.findtext(f"limit/{end}", "nan")) for end in ("lower", "upper")]
        assert limits == pytest.approx(model.jnt_range[index].tolist())
        if index < ROBOT.joints:
            damping = model.dof_damping[index] - model.actuator_biasprm[index, 2]
            assert float(axis.findtext("dynamics/damping", "nan")) == pytest.approx(damping)
            most = model.actuator_forcerange[index, 1] + damping * JOINT_SPEED_RAD_S
            assert float(axis.findtext("limit/effort", "nan")) == pytest.approx(most)


@pytest.mark.parametrize(
    "angles", [np.zeros(7), np.array(ROBOT.home_rad), np.array([0.4, 0.3, -0.5, -1.9, 0.6, 1.2, -0.7])]
)
def test_every_link_is_where_the_model_has_it(
    world: ElementTree.Element, model: Any, angles: np.ndarray[Any, Any]
) -> None:
    data = mujoco.MjData(model)
    data.qpos[:9] = [*angles, 0.01, 0.03]
    mujoco.mj_kinematics(model, data)
    poses = link_poses(arm(world), dict(zip(JOINTS, data.qpos[:9].tolist(), strict=True)))
    assert len(poses) == 11
    for name, T_base_link in poses.items():
        body = model.body(name.removeprefix("panda_")).id
        np.testing.assert_allclose(T_base_link[:3, 3], data.xpos[body], atol=1e-9, err_msg=name)
        np.testing.assert_allclose(T_base_link[:3, :3].ravel(), data.xmat[body], atol=1e-9, err_msg=name)
    tool = forward_kinematics(ROBOT, angles)  # what the governor thinks
    np.testing.assert_allclose(poses["panda_hand"][:3, :3], tool[:3, :3], atol=1e-6)


def test_what_touches_covers_what_the_model_lets_touch(world: ElementTree.Element, model: Any) -> None:
    for link in arm(world).findall("link"):
        body = model.body(link.attrib["name"].removeprefix("panda_")).id
        boxes = [(pose(shape), numbers(shape.find("geometry/box/size"))) for shape in link.findall("collision")]
        points = np.vstack([_corners(model, geom) for geom in np.flatnonzero(model.geom_bodyid == body)])
        inside = np.zeros(len(points), bool)
        for T_link_box, size_m in boxes:
            local = (points - T_link_box[:3, 3]) @ T_link_box[:3, :3]
            inside |= (np.abs(local) <= size_m / 2 + 1e-6).all(axis=1)
        assert inside.all(), link.attrib["name"]


def _corners(model: Any, geom: int) -> np.ndarray[Any, Any]:
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
        mesh = model.geom_dataid[geom]
        local = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    else:
        local = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * model.geom_size[geom]
    rotation = Rotation.from_quat(np.roll(model.geom_quat[geom], -1))
    return np.asarray(rotation.apply(local) + model.geom_pos[geom])


def test_the_camera_has_the_settings_pose_and_intrinsics(world: ElementTree.Element) -> None:
    settings = CameraSettings.from_file()
    camera = named(world, "model", "camera")
    T_base_gazebo = pose(camera)
    looks, up = T_base_gazebo[:3, 0], T_base_gazebo[:3, 2]
    np.testing.assert_allclose(looks, settings.T_base_camera[:3, 2], atol=1e-9)
    np.testing.assert_allclose(up, -settings.T_base_camera[:3, 1], atol=1e-9)
    np.testing.assert_allclose(T_base_gazebo[:3, 3], settings.xyz_m, atol=1e-12)
    for sensor in camera.iter("sensor"):
        angle = float(sensor.findtext("camera/horizontal_fov", "nan"))
        width, height = (int(sensor.findtext(f"camera/image/{side}", "0")) for side in ("width", "height"))
        focal = width / 2 / np.tan(angle / 2)
        assert focal == pytest.approx(settings.camera(width, height).K[0, 0], rel=1e-9)


def test_objects_lie_where_the_scene_has_them(world: ElementTree.Element) -> None:
    for index, obj in enumerate(SCENE.objects):
        found, size_m = named(world, "model", f"object{index}"), obj.shape.extent_m[0]
        np.testing.assert_allclose(pose(found)[:3, 3], resting_m(SCENE, index), atol=1e-9)
        np.testing.assert_allclose(pose(found)[:2, 3] - [0.5, 0], SCENE.drop_xy_m[index], atol=1e-9)
        assert pose(found)[2, 3] == pytest.approx(size_m / 2)
        shape = {"cube": "box/size", "cylinder": "cylinder/radius", "ball": "sphere/radius"}[obj.shape.name]
        size = numbers(found.find(f"link/collision/geometry/{shape}"))[0]
        assert size == pytest.approx(size_m if obj.shape.name == "cube" else size_m / 2)
        assert numbers(found.find("link/visual/material/diffuse"))[:3] == pytest.approx(obj.rgb, abs=1e-6)
        assert numbers(found.find("link/collision/surface/friction/ode/mu"))[0] == pytest.approx(obj.friction)


def test_the_mat_has_its_own_colour(world: ElementTree.Element) -> None:
    mat = named(named(named(world, "model", "table"), "link", "link"), "visual", "mat")
    assert numbers(mat.find("material/diffuse"))[:3] == pytest.approx(SCENE.surroundings.mat_rgb, abs=1e-6)


def test_meshes_are_no_objects_for_gazebo() -> None:
    scene = replace(SCENE, objects=(SceneObject(box(0.03, 0.04, 0.05), "red", (1, 0, 0), 0.2, 0.5),))
    with pytest.raises(ConfigError, match="holds cubes, cylinders and balls, got red box"):
        scene_model(scene, CameraSettings.from_file())


def test_the_versions_agree_on_all_but_sensors_and_systems(files: dict[str, Path]) -> None:
    plain = {}
    for name, path in files.items():
        root = ElementTree.parse(path).getroot()
        root.attrib.pop("version")
        for parent in root.iter():
            for child in [child for child in parent if child.tag in SENSED]:
                parent.remove(child)
        plain[name] = ElementTree.tostring(root, "unicode").replace(f"/{name}/", "/")
        plain[name] = "".join(plain[name].split())
    assert plain["classic"] == plain["gz"] == plain["ignition"]


def test_every_mesh_that_is_named_is_there_and_no_other(world: ElementTree.Element, files: dict[str, Path]) -> None:
    named_files = {Path(uri.text.removeprefix("file://")) for uri in world.iter("uri") if uri.text}
    assert named_files and all(path.is_file() for path in named_files)
    folder = next(iter(named_files)).parent
    assert folder.name == MESHES and set(folder.iterdir()) == named_files
