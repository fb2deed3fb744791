//! Expressions as a graph: each node knows its level, and equal nodes are one node.

use std::collections::HashMap;

use trialrun_lang::Span;

use crate::exec::draw::Distribution;
use crate::functions::Fun;
use crate::ids::{ColumnId, GroupingId, LevelId};

/// The missing value that a design writes as `NA`: a NaN told from others by its payload, while
/// expressions are compiled. In columns every NaN is a missing value.
pub const NA: f64 = f64::from_bits(0x7ff8_0000_0000_07a2);

/// A node of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub u32);

/// What a reduction computes from the values of a set of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Sum,
    /// Standard deviation, divisor n - 1.
    Sd,
    /// Variance, divisor n - 1.
    Var,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Median.
    Median,
    /// Quantile of R's type 7; the probability's bits.
    Quantile(u64),
    /// Number of units, or of units where the condition holds.
    Count,
    /// 1 where the condition holds for some unit.
    Any,
    /// 1 where the condition holds for all units.
    All,
}

/// Over which units a reduction runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// All units: one number.
    Whole,
    /// The units below each unit of an upper level.
    Level(LevelId),
    /// The units of each group; the second is the level of the groups.
    Groups(GroupingId, LevelId),
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A constant, by its bits.
    Const(u64),
    /// A stored column.
    Column(ColumnId),
    /// A function of the values of one unit.
    Map(Fun, Vec<NodeId>),
    /// One number from the units of `rows`, or of each group of them, where `mask` is not zero.
    Reduce {
        /// What is computed.
        reduction: Reduction,
        /// The values.
        arg: NodeId,
        /// The level whose units are reduced.
        rows: LevelId,
        /// The sets of units.
        by: By,
        /// Units that count.
        mask: Option<NodeId>,
    },
    /// A random draw for each unit of `level`; `key` names its stream.
    Draw {
        /// The distribution.
        distribution: Distribution,
        /// Its parameters.
        args: Vec<NodeId>,
        /// The level whose units get a draw each.
        level: LevelId,
        /// The stream of draws.
        key: u64,
    },
    /// The values of a distribution that go with standard normal numbers.
    FromNormal {
        /// The distribution.
        distribution: Distribution,
        /// Its parameters.
        args: Vec<NodeId>,
        /// The normal numbers.
        z: NodeId,
    },
    /// The number of units of a level.
    Size(LevelId),
    /// The number of each unit of a level, from 1.
    Index(LevelId),
}

/// A node with what the compiler knows of it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The level on whose units it has values.
    pub level: LevelId,
    /// Where it was first written.
    pub span: Span,
}

/// All nodes of a design.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    known: HashMap<NodeKind, NodeId>,
}

impl Graph {
    /// The node with that content, made if it is new.
    pub fn add(&mut self, kind: NodeKind, level: LevelId, span: Span) -> NodeId {
        if let Some(&id) = self.known.get(&kind) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.known.insert(kind.clone(), id);
        self.nodes.push(Node { kind, level, span });
        id
    }

    /// The node with that content, if it was made.
    pub fn find(&self, kind: &NodeKind) -> Option<NodeId> {
        self.known.get(kind).copied()
    }

    /// A constant.
    pub fn constant(&mut self, value: f64, span: Span) -> NodeId {
        self.add(NodeKind::Const(value.to_bits()), LevelId::WHOLE, span)
    }

    /// Whether a node is the constant missing value.
    pub fn is_na(&self, id: NodeId) -> bool {
        self.node(id).kind == NodeKind::Const(NA.to_bits())
    }

    /// The node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The value of a constant node.
    pub fn value(&self, id: NodeId) -> Option<f64> {
        match self.node(id).kind {
            NodeKind::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}
