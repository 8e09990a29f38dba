using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>What options say of labels: a table, or what is wrong with which of them.</summary>
/// <param name="Table">null where something is wrong.</param>
/// <param name="Member">The option that is wrong.</param>
/// <param name="Mistake">A sentence that may follow its name.</param>
internal readonly record struct LabelReading(LabelTable? Table, string Member, string Mistake)
{
    private const string IgnoreName = "ignore";

    private static readonly KeyValuePair<int, byte> s_ignored255 = new(255, LabelTable.Ignore);

    /// <param name="known">What the values mean where the options don't say; null where it is unknown.</param>
    public static LabelReading Of(LabelOptions options, KnownLabels? known)
    {
        if ((Contradiction(options) ?? BadClasses(options.Classes)) is { } wrong)
            return wrong;
        var reading =
            options.LabelMap is { } map ? LabelMapReading.Of(map, options.Classes)
            : options.LabelClassIds is { } ids ? FromIds(ids, options.Classes, known)
            : options.ReduceZeroLabel ? Reduced(options, known)
            : known is not null ? OfKnown(options.Classes, known)
            : InOrder(options.Classes);
        return reading.Table is { } table && options.NumClasses is { } expected && expected != table.Classes.Count
            ? Wrong(
                nameof(options.NumClasses),
                $"num_classes is {expected}, but the labels' table has {table.Classes.Count} classes "
                    + $"({string.Join(", ", table.Classes.Take(12))}{(table.Classes.Count > 12 ? ", …" : "")})."
            )
            : reading;
    }

    public static LabelReading Right(LabelTable table) => new(table, "", "");

    public static LabelReading Wrong(string member, string mistake) => new(null, member, mistake);

    /// <summary>Two options that say the same thing.</summary>
    private static LabelReading? Contradiction(LabelOptions options)
    {
        (bool Given, string Name)[] all =
        [
            (options.LabelMap is not null, nameof(options.LabelMap)),
            (options.LabelClassIds is not null, nameof(options.LabelClassIds)),
            (options.ReduceZeroLabel, nameof(options.ReduceZeroLabel)),
        ];
        var forms = all.Where(form => form.Given).Select(form => form.Name).ToArray();
        return forms.Length > 1
            ? Wrong(
                forms[1],
                $"{string.Join(" and ", forms.Select(ConfigKey.NameOf))} say the same thing; give one of them. label_class_ids and "
                    + $"reduce_zero_label are short forms of a label_map."
            )
            : null;
    }

    private static LabelReading? BadClasses(string[]? classes)
    {
        if (classes is null)
            return null;
        var mistake =
            classes.Length is 0 or > LabelTable.MostClasses ? $"{classes.Length} classes; 1 to {LabelTable.MostClasses} were expected."
            : classes.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"it names \"{twice.Key}\" twice."
            : classes.Contains(IgnoreName) ? "\"ignore\" is not a class: it stands for pixels that don't count."
            : null;
        return mistake is null ? null : Wrong(nameof(LabelOptions.Classes), mistake);
    }

    private static LabelReading FromIds(int[] ids, string[]? given, KnownLabels? known)
    {
        var classes = given ?? (known?.Classes.Length == ids.Length ? [.. known.Classes] : [.. ids.Select(id => $"class_{id}")]);
        var mistake =
            ids.Length is 0 or > LabelTable.MostClasses ? $"{ids.Length} values; 1 to {LabelTable.MostClasses} were expected."
            : classes.Length != ids.Length ? $"{ids.Length} values for {classes.Length} classes."
            : ids.Any(id => id is < 0 or > ushort.MaxValue)
                ? $"{ids.First(id => id is < 0 or > ushort.MaxValue)} is no value of a label file (0 to 65535)."
            : ids.GroupBy(id => id).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"{twice.Key} stands there twice."
            : null;
        return mistake is null
            ? Right(
                new LabelTable(classes, [.. ids.Select((id, i) => KeyValuePair.Create(id, (byte)i))], byColor: false, LabelTable.Ignore)
            )
            : Wrong(nameof(LabelOptions.LabelClassIds), mistake);
    }

    private static LabelReading Reduced(LabelOptions options, KnownLabels? known)
    {
        var classes =
            options.Classes
            ?? (known is null ? null : Array.FindAll(known.Classes, name => !known.IsZero(name)))
            ?? (options.NumClasses is { } count ? [.. Enumerable.Range(1, count).Select(value => $"class_{value}")] : null);
        return classes is null
            ? Wrong(
                nameof(options.ReduceZeroLabel),
                "how many classes are there? List their names in \"classes\", from that of the value 1."
            )
            : Right(new LabelTable(classes, [new(0, LabelTable.Ignore), .. Values(classes, first: 1)], byColor: false));
    }

    private static LabelReading OfKnown(string[]? classes, KnownLabels known)
    {
        if (classes is null)
            return Right(new LabelTable(known.Classes, known.Entries, byColor: false));
        if (classes.Except(known.Classes).FirstOrDefault() is { } unknown)
            return Wrong(
                nameof(LabelOptions.Classes),
                $"the data set has no class \"{unknown}\".{NearestName.Suggest(unknown, known.Classes)} Other names need a label_map of "
                    + $"their own."
            );
        return Right(
            new LabelTable(classes, [.. known.Entries.Select(entry => KeyValuePair.Create(entry.Key, Chosen(entry.Value)))], byColor: false)
        );

        byte Chosen(byte index) =>
            index != LabelTable.Ignore && Array.IndexOf(classes, known.Classes[index]) is >= 0 and var at ? (byte)at : LabelTable.Ignore;
    }

    /// <summary>Values are the classes' places.</summary>
    private static LabelReading InOrder(string[]? classes) =>
        classes is null
            ? Wrong(
                nameof(LabelOptions.LabelMap),
                "what the labels' values mean must be said, as in \"label_map\": { \"0\": \"sky\", \"1\": \"road\", \"255\": \"ignore\" }; "
                    + "or, where the values are 0, 1, 2 …, list the names in \"classes\"."
            )
            : Right(new LabelTable(classes, Values(classes, first: 0), byColor: false));

    /// <summary>The classes' values in a row, and 255, which is ignored.</summary>
    private static KeyValuePair<int, byte>[] Values(string[] classes, int first) =>
        [
            .. classes.Select((_, i) => KeyValuePair.Create(first + i, (byte)i)),
            .. classes.Length < LabelTable.MostClasses ? (KeyValuePair<int, byte>[])[s_ignored255] : [],
        ];

    /// <summary>The long form.</summary>
    private static class LabelMapReading
    {
        public static LabelReading Of(IReadOnlyDictionary<string, string> map, string[]? given)
        {
            var named = map.Values.Where(name => name != IgnoreName).Distinct().ToArray();
            var classes = given ?? named;
            if (classes.Length is 0 or > LabelTable.MostClasses)
                return WrongMap($"it names {classes.Length} classes; 1 to {LabelTable.MostClasses} were expected.");
            if (classes.Except(named).FirstOrDefault() is { } unused)
                return Wrong(
                    nameof(LabelOptions.Classes),
                    $"label_map gives no value to the class \"{unused}\".{NearestName.Suggest(unused, named)}"
                );
            var entries = new List<KeyValuePair<int, byte>>();
            byte? others = null;
            bool? byColor = null;
            foreach (var (key, name) in map)
            {
                var at = Array.IndexOf(classes, name);
                if (at < 0 && name != IgnoreName)
                    return WrongMap(
                        $"\"{key}\": there is no class \"{name}\" among classes.{NearestName.Suggest(name, [.. classes, IgnoreName])}"
                    );
                var index = at < 0 ? LabelTable.Ignore : (byte)at;
                if (key.Trim() == LabelTable.Others)
                {
                    others = index;
                    continue;
                }
                if (Value(key) is not var (value, isColor))
                    return WrongMap(
                        $"\"{key}\" is neither a value (\"0\" to \"65535\") nor a colour (\"#804080\" or \"128, 64, 128\") nor \"*\"."
                    );
                if (byColor is { } before && before != isColor)
                    return WrongMap($"\"{key}\": values and colours can't be mixed; the label files hold one of the two.");
                byColor = isColor;
                if (entries.Exists(entry => entry.Key == value))
                    return WrongMap($"\"{key}\" stands there twice, in two spellings.");
                entries.Add(new(value, index));
            }
            return Right(new LabelTable(classes, entries, byColor ?? false, others));
        }

        private static LabelReading WrongMap(string mistake) => Wrong(nameof(LabelOptions.LabelMap), mistake);

        private static (int Value, bool IsColor)? Value(string key) =>
            Rgb.TryParse(key, out var color) ? (color.Value, true)
            : ushort.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (value, false)
            : null;
    }
}
