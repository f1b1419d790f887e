from gateway.graphiql.vendor import FOLDER, PACKAGES, SUMS, sums


def test_the_files_of_other_projects_are_as_their_packages_brought_them() -> None:
    written = [line.split("  ") for line in SUMS.read_text("utf-8").splitlines()]
    assert {name: value for value, name in written} == sums()


def test_every_file_of_another_project_is_listed_and_each_package_brings_its_licence() -> None:
    listed = [name for files in PACKAGES.values() for name in files.values()]
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted([*listed, "SHA256SUMS"])
    assert all("LICENSE" in files for files in PACKAGES.values())
