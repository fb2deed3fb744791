//! Units of levels that do not nest: those of a sample in their population, those of a pair in both
//! of its levels. What is known of the one can be seen from the other through a list of numbers.

use trialrun_lang::Span;

use super::Compiler;
use super::ir::{NodeId, NodeKind};
use crate::exec::crossed::GroupByNumber;
use crate::exec::links::Gather;
use crate::exec::units::Carry;
use crate::ids::{ColumnId, GroupingId, LevelId, LinkId};

/// How the units of a level belong to those of another that it does not nest in.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The other level.
    pub from: LevelId,
    /// For each unit, the number of the unit of the other level.
    pub list: LinkId,
    /// Whether the units are those of the other level, drawn into a sample.
    pub is_sample: bool,
}

impl Compiler<'_> {
    /// A new list of numbers.
    pub fn new_link(&mut self) -> LinkId {
        self.n_links += 1;
        LinkId(self.n_links - 1)
    }

    /// Says that the units of a level belong to those of another.
    pub fn link(&mut self, level: LevelId, link: Link) {
        self.links.entry(level).or_default().push(link);
    }

    /// For each level, its links.
    pub fn links_of_levels(&self) -> Vec<Vec<Link>> {
        let links = |level| self.links.get(&LevelId(level as u32)).cloned().unwrap_or_default();
        (0..self.levels.len()).map(links).collect()
    }

    /// A level and those above it, the highest first, without the design as a whole.
    pub fn chain(&self, level: LevelId) -> Vec<LevelId> {
        let mut chain = Vec::new();
        let mut at = level;
        while at != LevelId::WHOLE {
            chain.push(at);
            at = self.levels[at.idx()].parent;
        }
        chain.reverse();
        chain
    }

    /// The links of a level and of those above it, the highest first.
    fn links_above(&self, level: LevelId) -> Vec<(LevelId, Link)> {
        let links = |at: &LevelId| self.links.get(at).map_or(&[][..], Vec::as_slice);
        let chain = self.chain(level);
        chain.iter().flat_map(|at| links(at).iter().map(|link| (*at, *link))).collect()
    }

    /// A node as it is seen from the units of a level: itself where it lives above, else through
    /// links, or carried up to groups within which it does not vary. `None` where it can not be
    /// seen. The name is for the message where it varies.
    pub fn see(&mut self, node: NodeId, at: LevelId, name: &str, span: Span) -> Option<NodeId> {
        if self.is_above(self.graph.node(node).level, at) {
            return Some(node);
        }
        for (below, link) in self.links_above(at) {
            let Some(source) = self.see(node, link.from, name, span) else { continue };
            let from = self.column_at(source, link.from);
            let known = self.gathered.get(&(from, link.list)).copied();
            let out = known.unwrap_or_else(|| {
                let out = self.new_column_like(from, below);
                self.push(Gather { from, link: link.list, level: below, out });
                self.gathered.insert((from, link.list), out);
                out
            });
            return Some(self.graph.add(NodeKind::Column(out), below, span));
        }
        let (grouping, below) = *self.grouped.get(&at)?;
        let out = match self.carried.get(&(node, at)) {
            Some(out) => *out,
            None => {
                let source = self.see(node, below, name, span)?;
                let from = self.column_at(source, below);
                let out = self.new_column_like(from, at);
                self.push(Carry { from, grouping, out, name: name.to_string(), span });
                self.carried.insert((node, at), out);
                out
            }
        };
        Some(self.graph.add(NodeKind::Column(out), at, span))
    }

    /// The column that a column copies for units that belong to others, without a sample between.
    pub fn seen_of_all(&self, column: ColumnId) -> Option<ColumnId> {
        let crosses = |list: LinkId| {
            let links = self.links.values().flatten();
            links.filter(|link| link.list == list).all(|link| !link.is_sample)
        };
        let mut copies = self.gathered.iter();
        let found = copies.find(|((_, list), copy)| **copy == column && crosses(*list));
        found.map(|((from, _), _)| *from)
    }

    /// The units of a level in groups, one for each unit of another that they belong to.
    pub fn link_grouping(&mut self, upper: LevelId, level: LevelId, span: Span) -> GroupingId {
        if let Some(known) = self.link_groupings.get(&(upper, level)) {
            return *known;
        }
        let index = self.graph.add(NodeKind::Index(upper), upper, span);
        let seen = self.see(index, level, "", span);
        let seen = seen.expect("a level that a reduction names is linked to its rows");
        let numbers = self.column_at(seen, level);
        let grouping = self.new_grouping();
        self.push(GroupByNumber { level, numbers, upper, grouping });
        self.link_groupings.insert((upper, level), grouping);
        grouping
    }

    /// The level that holds what is left of another one's units among those of `at`: the level
    /// itself where it is above, else the sample drawn from it.
    pub fn left_of(&self, level: LevelId, at: LevelId) -> Option<LevelId> {
        if self.is_above(level, at) {
            return Some(level);
        }
        let is_left = |(_, link): &&(LevelId, Link)| {
            link.is_sample && (link.from == level || self.is_drawn_from(link.from, level))
        };
        self.links_above(at).iter().find(is_left).map(|(below, _)| *below)
    }

    /// Whether the units of a level are a sample of another one's, or a sample of a sample.
    fn is_drawn_from(&self, level: LevelId, origin: LevelId) -> bool {
        let links = self.links.get(&level).map_or(&[][..], Vec::as_slice);
        links
            .iter()
            .filter(|link| link.is_sample)
            .any(|link| link.from == origin || self.is_drawn_from(link.from, origin))
    }

    /// Whether there are units at `at` that belong to those of a level through a link.
    pub fn is_linked(&self, level: LevelId, at: LevelId) -> bool {
        let leads = |link: &Link| {
            let crosses = !link.is_sample && self.is_above(level, link.from);
            crosses || self.is_linked(level, link.from)
        };
        self.links_above(at).iter().any(|(_, link)| leads(link))
    }
}
