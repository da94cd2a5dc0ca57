//! Which documents are configurations of a filter's, and which are cases.

use catalog::Filter;
use sdk_helpers::config::table::Table;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::source::Item;
use crate::spot::Spot;

/// What a document of ours is.
pub(crate) enum Ours<'a> {
    /// A configuration.
    Config(&'static Filter),
    /// Suites of cases, and the filter whose configurations are in those that name no other.
    Cases(&'static Filter, Vec<Spot<'a>>),
}

/// The configuration that stands in a suite, and its filter; none in one that names files, which are checked as such.
pub(crate) fn of_suite<'a>(
    suite: &Spot<'a>,
    or: &'static Filter,
) -> Option<(&'static Filter, Spot<'a>)> {
    let filter = match suite.text("filter") {
        "" => or,
        // Who runs the cases says that there is no such filter.
        name => catalog::find(name).ok()?,
    };
    Some((filter, suite.field("config")?))
}

/// What an object is, if it is one of ours.
pub(crate) fn of<'a>(item: &Item<'a>, mesh: &Mesh<'_>) -> Option<Ours<'a>> {
    if item.kind() == "RateLimit" && item.group().is_empty() {
        return catalog::find("rate-limit").ok().map(Ours::Config);
    }
    if !item.kind().is_empty() || !item.api_version().is_empty() {
        return None;
    }
    if cases::File::is_of_suites(item.root.value()) {
        let suites = item.root.elements();
        let mut configs = suites.iter().filter_map(|suite| suite.field("config"));
        let filter = mesh
            .options
            .filter
            .or_else(|| by_folder(mesh.name(item.file)))
            .or_else(|| configs.find_map(|config| by_fields(config.value())))
            .or_else(|| catalog::find(cases::ALL).ok());
        return filter.map(|filter| Ours::Cases(filter, suites));
    }
    // It shares names of fields with configurations of ours.
    let is_mesh_config = policies::Mesh::config(item.root.value()).is_some();
    if item.root.value().is_object() && !(is_mesh_config && mesh.options.filter.is_none()) {
        let filter = mesh.options.filter;
        return filter
            .or_else(|| by_fields(item.root.value()))
            .map(Ours::Config);
    }
    None
}

/// Cases lie in `<filter>/cases/`.
fn by_folder(path: &str) -> Option<&'static Filter> {
    let mut parts = path.rsplit(['/', '\\']).skip(1);
    if parts.next()? != "cases" {
        return None;
    }
    catalog::find(parts.next()?).ok()
}

/// The filter whose fields all of these are, if it is one alone; one field of the configuration of all
/// of them is enough for that one.
fn by_fields(value: &Value) -> Option<&'static Filter> {
    let names: Vec<&String> = value.as_object()?.keys().collect();
    let mut filters = catalog::filters().iter();
    let whole = filters.find(|filter| {
        let mut parts = filter.parts().iter();
        parts.any(|(field, _)| names.iter().any(|name| name == field))
    });
    if whole.is_some() {
        return whole;
    }
    let has_all = |filter: &&Filter| {
        let table = filter.fields();
        !names.is_empty() && names.iter().all(|name| has(&table, name))
    };
    let mut fitting = catalog::filters().iter().filter(has_all);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

fn has(table: &Table, name: &str) -> bool {
    table.fields.iter().any(|field| field.name == name)
}
