//! Arbitrary values, names and graphs for property tests, cut to what a target can hold.
//!
//! The extremes are listed by hand and drawn about half of the time: random numbers alone would never meet them.

use graphferry::model::packstream::VectorType;
use graphferry::model::temporal::{Date, DateTime, Duration, LocalDateTime, LocalTime, Time};
use graphferry::model::{Map, Point, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a target can hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Byte arrays.
    pub bytes: bool,
    /// null in lists and maps, and lists of several types.
    pub mixed_lists: bool,
    /// Maps, and lists in lists.
    pub nested: bool,
    /// Times of day with an offset.
    pub time: bool,
    /// Vectors.
    pub vectors: bool,
    /// Enum values.
    pub enums: bool,
    /// Structures that nobody knows.
    pub structures: bool,
    /// NaN and infinities as coordinates of points, latitudes and longitudes that are none, unknown reference systems.
    pub odd_points: bool,
    /// Offsets that are no whole minutes.
    pub offset_seconds: bool,
    /// Years from minus this to this; at least 2 are kept clear of both ends.
    pub years: i64,
    /// The smallest step of a clock in nanoseconds.
    pub step: i64,
    /// Durations whose parts have any sign and size; else what Neo4j keeps: 0 ≤ nanoseconds < 10⁹, no overflow in seconds.
    pub odd_durations: bool,
    /// Durations with months, and days apart from seconds.
    pub calendar_durations: bool,
    /// Empty names, and NUL in names.
    pub odd_names: bool,
    /// Schema objects.
    pub schema: bool,
}

impl Limits {
    /// Everything that the model can hold.
    pub const ALL: Self = Self {
        bytes: true,
        mixed_lists: true,
        nested: true,
        time: true,
        vectors: true,
        enums: true,
        structures: true,
        odd_points: true,
        offset_seconds: true,
        years: 999_999_999,
        step: 1,
        odd_durations: true,
        calendar_durations: true,
        odd_names: true,
        schema: true,
    };
    /// What Neo4j 5 holds.
    pub const NEO4J: Self = Self {
        mixed_lists: false,
        nested: false,
        vectors: false,
        enums: false,
        structures: false,
        odd_points: false,
        odd_durations: false,
        odd_names: false,
        ..Self::ALL
    };
    /// What Memgraph holds.
    pub const MEMGRAPH: Self = Self {
        bytes: false,
        time: false,
        vectors: false,
        structures: false,
        odd_points: false,
        offset_seconds: false,
        years: 0,
        step: 1000,
        odd_durations: false,
        calendar_durations: false,
        odd_names: false,
        ..Self::ALL
    };
}

const DAY: i64 = 86_400;

/// Strings that break naive writers.
pub const HOSTILE: [&str; 24] = [
    "",
    " ",
    "a`b",
    "``",
    "\\",
    "\\\\",
    "\\u0060",
    "\\u005Cu0060",
    "\"'",
    "\"\\\"",
    "$float",
    "$",
    "${x}",
    "\r\n",
    "\u{0}",
    "\u{1b}[31m",
    "\u{2028}\u{2029}\u{85}",
    "\u{feff}\u{ffff}\u{fffe}",
    "\u{10ffff}𝄞🧊",
    "e\u{301} \u{202e}",
    "; // /* */ --",
    "null",
    "1.0",
    "\u{7f}\u{80}",
];

/// Any text, hostile half of the time.
pub fn text() -> BoxedStrategy<String> {
    let hostile = select(HOSTILE.as_slice()).prop_map(str::to_owned);
    prop_oneof![2 => hostile.clone(), 2 => any::<String>(), 1 => (hostile, any::<String>()).prop_map(|(a, b)| a + &b)]
        .boxed()
}

/// A label, type or property key, hostile most of the time.
pub fn name(limits: Limits) -> BoxedStrategy<String> {
    let plain = select(["A", "Person", "KNOWS", "name", "id", "properties"].as_slice()).prop_map(str::to_owned);
    let fits = move |text: &String| limits.odd_names || !(text.is_empty() || text.contains('\0'));
    prop_oneof![1 => plain, 2 => text().prop_filter("a name of this target", fits)].boxed()
}

fn extreme<T: Clone + std::fmt::Debug + 'static>(
    list: Vec<T>,
    any: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![select(list), any].boxed()
}

/// Any integer.
pub fn integer() -> BoxedStrategy<i64> {
    let edges = [0, 7, 8, 15, 16, 31, 32, 52, 53, 63].into_iter().map(|bits| (1_i128 << bits) as i64);
    let around =
        edges.flat_map(|edge| [edge, edge.wrapping_sub(1), edge.wrapping_neg(), edge.wrapping_neg().wrapping_sub(1)]);
    extreme(around.chain([-16, -17, i64::MIN, i64::MAX]).collect(), any::<i64>())
}

/// Any float; NaN with its canonical bits only.
pub fn float() -> BoxedStrategy<f64> {
    let list = vec![
        0.0,
        -0.0,
        1.0,
        0.1,
        1e22,
        1e300,
        5e-324,
        -f64::MIN_POSITIVE / 2.0,
        f64::MAX,
        f64::MIN,
        9_007_199_254_740_993.0,
    ];
    let list = list.into_iter().chain([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).collect();
    extreme(list, any::<f64>().prop_map(|x| if x.is_nan() { f64::NAN } else { x }))
}

/// A NaN of any bits.
pub fn nan() -> BoxedStrategy<f64> {
    (any::<bool>(), 1_u64..1 << 52)
        .prop_map(|(sign, rest)| f64::from_bits(u64::from(sign) << 63 | 0x7FF << 52 | rest))
        .boxed()
}

fn days(limits: Limits) -> BoxedStrategy<i64> {
    match limits.years {
        0 => extreme(vec![-719_162, 2_932_895, 0, 19_782, -1], -719_162..2_932_895_i64),
        _ => extreme(
            vec![-365_243_219_162, 365_241_780_471, 0, 19_782, -1, -719_528, 2_932_897],
            -365_243_219_162..365_241_780_471_i64,
        ),
    }
}

fn clock(limits: Limits) -> BoxedStrategy<i64> {
    let step = limits.step;
    extreme(vec![0, 1, 86_399_999_999_999, 45_296_120_000_000], 0..86_400_000_000_000_i64)
        .prop_map(move |n| n - n % step)
        .boxed()
}

fn offset(limits: Limits) -> BoxedStrategy<i32> {
    let step = if limits.offset_seconds { 1 } else { 60 };
    extreme(vec![0, 3600, 19_800, -64_800, 64_800, 3630, -30], -64_800..64_800).prop_map(move |s| s - s % step).boxed()
}

/// Local seconds and nanoseconds over the years of the target.
fn moment(limits: Limits) -> BoxedStrategy<(i64, u32)> {
    (days(limits), clock(limits))
        .prop_map(|(day, clock)| (day * DAY + clock / 1_000_000_000, (clock % 1_000_000_000) as u32))
        .boxed()
}

fn zoned(limits: Limits) -> BoxedStrategy<Value> {
    let zones = vec!["Europe/Stockholm", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "Etc/UTC"];
    // The two half past two of 27 October 2024 in Stockholm, the hour that is not there in March, local mean time in 1800.
    let overlap = select(vec![1_729_989_000, 1_729_992_600, 1_711_846_800, -5_364_662_400_i64]).prop_map(|s| (s, 0));
    let inside = move |&(seconds, _): &(i64, u32)| limits.years == 0 || seconds.abs() < 31_556_889_000_000_000;
    (prop_oneof![overlap, moment(limits).prop_filter("far from both ends", inside)], select(zones))
        .prop_map(|((seconds, nanoseconds), zone)| Value::ZonedDateTime { seconds, nanoseconds, zone: zone.to_owned() })
        .boxed()
}

fn duration(limits: Limits) -> BoxedStrategy<Value> {
    let make = |months, days, seconds, nanoseconds| Value::Duration(Duration { months, days, seconds, nanoseconds });
    if limits.odd_durations {
        let nanoseconds = extreme(vec![0, 1, -1, 999_999_999, -999_999_999], -999_999_999..=999_999_999);
        return (integer(), integer(), integer(), nanoseconds).prop_map(move |(m, d, s, n)| make(m, d, s, n)).boxed();
    }
    if limits.calendar_durations {
        let part = |size: i64| extreme(vec![0, 1, -1, size, -size], -size..=size);
        let nanoseconds = extreme(vec![0, 1, 999_999_999], 0..=999_999_999);
        let parts = (part(1_000_000_000_000), part(10_000_000_000_000), part(1 << 62), nanoseconds);
        return parts.prop_map(move |(m, d, s, n)| make(m, d, s, n)).boxed();
    }
    // Microseconds in all, cut into days, seconds and the rest, which then have one sign.
    let whole = extreme(vec![0, 1, -1, 86_399_999_999, -86_400_000_001], -(1_i64 << 53)..1 << 53);
    whole
        .prop_map(move |us| make(0, us / (DAY * 1_000_000), us / 1_000_000 % DAY, (us % 1_000_000 * 1000) as i32))
        .boxed()
}

fn point(limits: Limits) -> BoxedStrategy<Value> {
    let make = |srid, x, y, z| Value::Point(Point { srid, x, y, z });
    if limits.odd_points {
        let srid = extreme(vec![4326, 4979, 7203, 9157, 0, -1], any::<i32>());
        return (srid, float(), float(), proptest::option::of(float()))
            .prop_map(move |(s, x, y, z)| make(s, x, y, z))
            .boxed();
    }
    let finite = || float().prop_filter("finite", |x| x.is_finite());
    let degrees = |size: f64| extreme(vec![0.0, size, -size, 12.5, -33.25], -size..size);
    prop_oneof![
        (degrees(179.5), degrees(90.0)).prop_map(move |(x, y)| make(4326, x, y, None)),
        (degrees(179.5), degrees(90.0), finite()).prop_map(move |(x, y, z)| make(4979, x, y, Some(z))),
        (finite(), finite()).prop_map(move |(x, y)| make(7203, x, y, None)),
        (finite(), finite(), finite()).prop_map(move |(x, y, z)| make(9157, x, y, Some(z))),
    ]
    .boxed()
}

/// A vector of any element type; its elements are any bits.
fn vector() -> BoxedStrategy<Value> {
    (select(VectorType::ALL.as_slice()), 0_usize..6)
        .prop_flat_map(|(kind, size)| {
            vec(any::<u8>(), size * kind.width()).prop_map(move |data| Value::Vector(kind, data))
        })
        .boxed()
}

/// The strategies of all types that are no container; a homogeneous list is made of one of them.
fn scalars(limits: Limits) -> Vec<BoxedStrategy<Value>> {
    let mut all = vec![
        any::<bool>().prop_map(Value::Boolean).boxed(),
        integer().prop_map(Value::Integer).boxed(),
        float().prop_map(Value::Float).boxed(),
        text().prop_map(Value::String).boxed(),
        days(limits).prop_map(|days| Value::Date(Date { days })).boxed(),
        clock(limits).prop_map(|nanoseconds| Value::LocalTime(LocalTime { nanoseconds })).boxed(),
        moment(limits)
            .prop_map(|(seconds, nanoseconds)| Value::LocalDateTime(LocalDateTime { seconds, nanoseconds }))
            .boxed(),
        (moment(limits), offset(limits))
            .prop_map(|((local, nanoseconds), offset)| {
                Value::DateTime(DateTime { seconds: local - i64::from(offset), nanoseconds, offset })
            })
            .boxed(),
        zoned(limits),
        duration(limits),
        point(limits),
    ];
    let mut add = |wanted: bool, strategy: BoxedStrategy<Value>| all.extend(wanted.then_some(strategy));
    let time = |(nanoseconds, offset)| Value::Time(Time { nanoseconds, offset });
    add(limits.time, (clock(limits), offset(limits)).prop_map(time).boxed());
    add(limits.enums, select(vec!["Status::Good", "A b::C`d"]).prop_map(|text| Value::Enum(text.to_owned())).boxed());
    add(limits.vectors, vector());
    all
}

/// Any value that may be a property: null only inside others.
pub fn value(limits: Limits) -> BoxedStrategy<Value> {
    let bytes = vec(any::<u8>(), 0..40).prop_map(Value::Bytes).boxed();
    let alone: Vec<_> = scalars(limits).into_iter().chain(limits.bytes.then_some(bytes)).collect();
    // Where points are not odd, those of one list have one reference system: that of the first.
    let list = move |mut list: Vec<Value>| {
        let system = |value: &Value| if let Value::Point(point) = value { Some(point.srid) } else { None };
        let first = list.first().and_then(system);
        list.retain(|value| limits.odd_points || system(value) == first);
        Value::List(list)
    };
    let lists: Vec<_> = scalars(limits).into_iter().map(|of| vec(of, 0..20).prop_map(list).boxed()).collect();
    let alone = proptest::strategy::Union::new(alone).boxed();
    let flat = prop_oneof![4 => alone.clone(), 1 => proptest::strategy::Union::new(lists)].boxed();
    let member =
        if limits.mixed_lists { prop_oneof![1 => Just(Value::Null), 6 => flat.clone()].boxed() } else { flat.clone() };
    if !limits.nested {
        let mixed = vec(member, 0..5).prop_map(Value::List).boxed();
        return if limits.mixed_lists { prop_oneof![6 => flat, 1 => mixed].boxed() } else { flat };
    }
    let tree = member.prop_recursive(3, 24, 5, move |inner| {
        let list = vec(inner.clone(), 0..5).prop_map(Value::List);
        let map = vec((name(limits), inner.clone()), 0..5).prop_map(|pairs| Value::Map(pairs.into_iter().collect()));
        let structure = (select(vec![0x3F_u8, 0x01, 0x7F, 0xFF]), vec(inner, 0..15))
            .prop_map(|(tag, fields)| Value::Structure(tag, fields));
        if limits.structures {
            prop_oneof![3 => list, 3 => map, 1 => structure].boxed()
        } else {
            prop_oneof![list, map].boxed()
        }
    });
    prop_oneof![3 => flat, 1 => tree.prop_filter("a property is not null", |value| !matches!(value, Value::Null))]
        .boxed()
}

/// Properties.
pub fn properties(limits: Limits) -> BoxedStrategy<Map> {
    vec((name(limits), value(limits)), 0..5).prop_map(|pairs| pairs.into_iter().collect()).boxed()
}
