using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Datasets.Segmentation;

/// <summary>What every segmentation data set can be told about its labels.</summary>
public abstract record LabelOptions : IValidatableObject
{
    private const string IgnoreName = "ignore";

    /// <summary>What each value of the label files means: a class's name, or "ignore". Keys are values ("0"), colours ("#804080" or "128,
    /// 64, 128") or "*" for all others. Several may name one class. A value that the table lacks is an error.</summary>
    public IReadOnlyDictionary<string, string>? LabelMap { get; init; }

    /// <summary>Class names in index order. By default in the order in which label_map first names them. Of a known data set: only these,
    /// in this order; its others are ignored.</summary>
    public string[]? Classes { get; init; }

    /// <summary>Short for a label_map: the value of each class, in index order; all other values are ignored.</summary>
    public int[]? LabelClassIds { get; init; }

    /// <summary>Short for a label_map: 0 and 255 are ignored, and class i is stored as i + 1.</summary>
    public bool ReduceZeroLabel { get; init; }

    /// <summary>How many classes there must be; only compared with the table.</summary>
    [Range(1, LabelTable.MostClasses)]
    public int? NumClasses { get; init; }

    /// <summary>Colours of the classes in pictures, in index order.</summary>
    public Rgb[]? Palette { get; init; }

    /// <summary>What the values of the labels mean where the options don't say; null where it is unknown.</summary>
    private protected abstract KnownLabels? Known { get; }

    /// <summary>Nothing says what the values mean: they are the classes' places.</summary>
    internal bool IsImplied => Known is null && LabelMap is null && LabelClassIds is null && !ReduceZeroLabel;

    /// <summary>The table that the options stand for.</summary>
    /// <exception cref="UserErrorException">They contradict themselves, or say too little.</exception>
    public LabelTable Table() => Resolve(out var member, out var mistake) ?? throw new UserErrorException($"{member}: {mistake}");

    /// <summary>Colours of the table's classes, where there are any.</summary>
    internal IReadOnlyList<Rgb>? PaletteOf(LabelTable table)
    {
        if (Palette is not null)
            return Palette;
        var spare = ClassColors.Distinct(table.Classes.Count);
        if (Known is { } known && !table.ByColor && (LabelMap is null || table.Classes.Any(known.Classes.Contains)))
            return
            [
                .. table.Classes.Select((name, i) => Array.IndexOf(known.Classes, name) is >= 0 and var at ? known.Palette[at] : Spare(i)),
            ];
        if (!table.ByColor)
            return null;
        var first = table
            .Entries.Where(entry => entry.Value != LabelTable.Ignore)
            .DistinctBy(entry => entry.Value)
            .ToDictionary(entry => (int)entry.Value, entry => Rgb.FromValue(entry.Key));
        return [.. table.Classes.Select((_, i) => first.TryGetValue(i, out var color) ? color : Spare(i))];

        Rgb Spare(int i) => new(spare[i].Red, spare[i].Green, spare[i].Blue);
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var table = Resolve(out var member, out var mistake);
        if (table is null)
            yield return new ValidationResult(mistake, [member]);
        else if (Palette is not null && Palette.Length != table.Classes.Count)
            yield return new ValidationResult($"{Palette.Length} colours for {table.Classes.Count} classes.", [nameof(Palette)]);
    }

    /// <summary>The label_map in full, for tools/print-config.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?> Expand()
    {
        if (Resolve(out _, out _) is not { } table)
            return new Dictionary<string, IReadOnlyDictionary<string, string>?>();
        return new Dictionary<string, IReadOnlyDictionary<string, string>?>
        {
            ["label_map"] = new Dictionary<string, string>(table.AsLabelMap()),
            ["label_class_ids"] = null,
            ["reduce_zero_label"] = null,
        };
    }

    private LabelTable? Resolve(out string member, out string mistake)
    {
        (member, mistake) = (nameof(LabelMap), "");
        var forms = new[]
        {
            (LabelMap is not null, nameof(LabelMap)),
            (LabelClassIds is not null, nameof(LabelClassIds)),
            (ReduceZeroLabel, nameof(ReduceZeroLabel)),
        }
            .Where(form => form.Item1)
            .ToArray();
        if (forms.Length > 1)
        {
            (member, mistake) = (
                forms[1].Item2,
                $"{string.Join(" and ", forms.Select(form => ConfigKey.NameOf(form.Item2)))} say the same thing; give one of them. "
                    + $"label_class_ids and reduce_zero_label are short forms of a label_map."
            );
            return null;
        }
        if (Classes is { } given)
        {
            member = nameof(Classes);
            if (given.Length is 0 or > LabelTable.MostClasses)
                mistake = $"{given.Length} classes; 1 to {LabelTable.MostClasses} were expected.";
            else if (given.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
                mistake = $"it names \"{twice.Key}\" twice.";
            else if (given.Contains(IgnoreName))
                mistake = "\"ignore\" is not a class: it stands for pixels that don't count.";
            if (mistake.Length > 0)
                return null;
        }
        var table =
            LabelMap is not null ? FromMap(LabelMap, out member, out mistake)
            : LabelClassIds is not null ? FromIds(LabelClassIds, out member, out mistake)
            : ReduceZeroLabel ? Reduced(out member, out mistake)
            : Default(out member, out mistake);
        if (table is not null && NumClasses is { } expected && expected != table.Classes.Count)
        {
            (member, mistake) = (
                nameof(NumClasses),
                $"num_classes is {expected}, but the labels' table has {table.Classes.Count} classes "
                    + $"({string.Join(", ", table.Classes.Take(12))}{(table.Classes.Count > 12 ? ", …" : "")})."
            );
            return null;
        }
        return table;
    }

    private LabelTable? FromMap(IReadOnlyDictionary<string, string> map, out string member, out string mistake)
    {
        (member, mistake) = (nameof(LabelMap), "");
        var named = map.Values.Where(name => name != IgnoreName).Distinct().ToArray();
        var classes = Classes ?? named;
        if (classes.Length is 0 or > LabelTable.MostClasses)
        {
            mistake = $"it names {classes.Length} classes; 1 to {LabelTable.MostClasses} were expected.";
            return null;
        }
        if (classes.Except(named).FirstOrDefault() is { } unused)
        {
            (member, mistake) = (
                nameof(Classes),
                $"label_map gives no value to the class \"{unused}\".{NearestName.Suggest(unused, named)}"
            );
            return null;
        }
        var entries = new List<KeyValuePair<int, byte>>();
        byte? others = null;
        bool? byColor = null;
        foreach (var (key, name) in map)
        {
            var at = Array.IndexOf(classes, name);
            if (at < 0 && name != IgnoreName)
            {
                mistake = $"\"{key}\": there is no class \"{name}\" among classes.{NearestName.Suggest(name, [.. classes, IgnoreName])}";
                return null;
            }
            var index = at < 0 ? LabelTable.Ignore : (byte)at;
            if (key.Trim() == LabelTable.Others)
            {
                others = index;
                continue;
            }
            var isColor = Rgb.TryParse(key, out var color);
            if (!isColor && !ushort.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                mistake = $"\"{key}\" is neither a value (\"0\" to \"65535\") nor a colour (\"#804080\" or \"128, 64, 128\") nor \"*\".";
                return null;
            }
            if (byColor is { } before && before != isColor)
            {
                mistake = $"\"{key}\": values and colours can't be mixed; the label files hold one of the two.";
                return null;
            }
            byColor = isColor;
            var value = isColor ? color.Value : int.Parse(key, CultureInfo.InvariantCulture);
            if (entries.Exists(entry => entry.Key == value))
            {
                mistake = $"\"{key}\" stands there twice, in two spellings.";
                return null;
            }
            entries.Add(new(value, index));
        }
        return new LabelTable(classes, entries, byColor ?? false, others);
    }

    private LabelTable? FromIds(int[] ids, out string member, out string mistake)
    {
        (member, mistake) = (nameof(LabelClassIds), "");
        var classes =
            Classes
            ?? (Known is { } known && known.Classes.Length == ids.Length ? [.. known.Classes] : [.. ids.Select(id => $"class_{id}")]);
        if (ids.Length is 0 or > LabelTable.MostClasses)
            mistake = $"{ids.Length} values; 1 to {LabelTable.MostClasses} were expected.";
        else if (classes.Length != ids.Length)
            mistake = $"{ids.Length} values for {classes.Length} classes.";
        else if (ids.Any(id => id is < 0 or > ushort.MaxValue))
            mistake = $"{ids.First(id => id is < 0 or > ushort.MaxValue)} is no value of a label file (0 to 65535).";
        else if (ids.Distinct().Count() < ids.Length)
            mistake = $"{ids.GroupBy(id => id).First(group => group.Count() > 1).Key} stands there twice.";
        return mistake.Length > 0
            ? null
            : new LabelTable(classes, [.. ids.Select((id, i) => KeyValuePair.Create(id, (byte)i))], byColor: false, LabelTable.Ignore);
    }

    private LabelTable? Reduced(out string member, out string mistake)
    {
        (member, mistake) = (nameof(ReduceZeroLabel), "");
        var classes =
            Classes
            ?? (Known is { } known ? Array.FindAll(known.Classes, name => !known.IsZero(name)) : null)
            ?? (NumClasses is { } count ? Array.ConvertAll([.. Enumerable.Range(1, count)], value => $"class_{value}") : null);
        if (classes is null)
        {
            mistake = "how many classes are there? List their names in \"classes\", from that of the value 1.";
            return null;
        }
        return new LabelTable(
            classes,
            [
                new(0, LabelTable.Ignore),
                .. classes.Select((_, i) => KeyValuePair.Create(i + 1, (byte)i)),
                .. classes.Length < 255 ? (KeyValuePair<int, byte>[])[new(255, LabelTable.Ignore)] : [],
            ],
            byColor: false
        );
    }

    private LabelTable? Default(out string member, out string mistake)
    {
        (member, mistake) = (nameof(Classes), "");
        if (Known is { } known)
        {
            if (Classes is null)
                return new LabelTable(known.Classes, known.Entries, byColor: false);
            var unknown = Classes.Except(known.Classes).FirstOrDefault();
            if (unknown is not null)
            {
                mistake =
                    $"the data set has no class \"{unknown}\".{NearestName.Suggest(unknown, known.Classes)} Other names need a "
                    + $"label_map of their own.";
                return null;
            }
            return new LabelTable(
                Classes,
                [
                    .. known.Entries.Select(entry =>
                        KeyValuePair.Create(
                            entry.Key,
                            entry.Value != LabelTable.Ignore && Array.IndexOf(Classes, known.Classes[entry.Value]) is >= 0 and var at
                                ? (byte)at
                                : LabelTable.Ignore
                        )
                    ),
                ],
                byColor: false
            );
        }
        if (Classes is not null)
            return new LabelTable(
                Classes,
                [
                    .. Classes.Select((_, i) => KeyValuePair.Create(i, (byte)i)),
                    .. Classes.Length < 255 ? (KeyValuePair<int, byte>[])[new(255, LabelTable.Ignore)] : [],
                ],
                byColor: false
            );
        (member, mistake) = (
            nameof(LabelMap),
            "what the labels' values mean must be said, as in \"label_map\": { \"0\": \"sky\", \"1\": \"road\", \"255\": \"ignore\" }; "
                + "or, where the values are 0, 1, 2 …, list the names in \"classes\"."
        );
        return null;
    }
}
