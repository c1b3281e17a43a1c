//! The scenarios themselves: that each runs, and that its instructions are written down.

use benches::{Material, SCENARIOS};

const FIGURES: &str = include_str!("../instructions.txt");

#[test]
fn every_scenario_runs_again_and_again() {
    let material = Material::new(1);
    assert!((material.seconds() - 24.0).abs() < 0.001, "{}", material.seconds());
    for scenario in SCENARIOS {
        let mut run = (scenario.prepare)(&material);
        run();
        run();
    }
}

#[test]
fn the_figures_written_down_are_those_of_the_scenarios_in_their_order() {
    let names =
        FIGURES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    assert!(names.eq(SCENARIOS.map(|scenario| scenario.name)), "run scripts/instructions update");
}
