//! Indices that replace names once a design is compiled.

/// A level of the population. Level 0 is the design as a whole: one unit, which holds scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LevelId(pub u32);

impl LevelId {
    /// The design as a whole.
    pub const WHOLE: Self = Self(0);

    /// Position in lists of levels.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// A stored column: one number for each unit of its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

impl ColumnId {
    /// Position in lists of columns.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// Where the units of an upper level begin among those of a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunsId(pub u32);

impl RunsId {
    /// Position in lists of runs.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// Units of a level sorted into groups by the values of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupingId(pub u32);

impl GroupingId {
    /// Position in lists of groupings.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// A random allocation of units to arms: an assignment or a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AllocationId(pub u32);

impl AllocationId {
    /// Position in lists of allocations.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// A list that tells which unit of another level each unit of a level belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(pub u32);

impl LinkId {
    /// Position in lists of links.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}
