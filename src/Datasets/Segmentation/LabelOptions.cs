using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Datasets.Segmentation;

/// <summary>What every segmentation data set can be told about its labels.</summary>
public abstract record LabelOptions : IValidatableObject
{
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

    /// <summary>A text file that names the photographs to take, one a line, in place of a split's own list; looked for below path, then in
    /// the working folder. By default all.</summary>
    public string? List { get; init; }

    /// <summary>What the values of the labels mean where the options don't say; null where it is unknown.</summary>
    private protected abstract KnownLabels? Known { get; }

    /// <summary>Nothing says what the values mean: they are the classes' places.</summary>
    internal bool IsImplied => Known is null && LabelMap is null && LabelClassIds is null && !ReduceZeroLabel;

    /// <summary>The table that the options stand for.</summary>
    /// <exception cref="UserErrorException">They contradict themselves, or say too little.</exception>
    public LabelTable Table()
    {
        var (table, member, mistake) = Resolve();
        return table ?? throw new UserErrorException($"{member}: {mistake}");
    }

    /// <summary>Colours of the table's classes, where there are any.</summary>
    internal IReadOnlyList<Rgb>? PaletteOf(LabelTable table)
    {
        if (Palette is not null)
            return Palette;
        var spare = ClassColors.Distinct(table.Classes.Count);
        if (Known is { } known && !table.ByColor && (LabelMap is null || table.Classes.Any(known.Classes.Contains)))
            return
            [
                .. table.Classes.Select((name, i) => Array.IndexOf(known.Classes, name) is >= 0 and var at ? known.Palette[at] : spare[i]),
            ];
        if (!table.ByColor)
            return null;
        var first = table
            .Entries.Where(entry => entry.Value != LabelTable.Ignore)
            .DistinctBy(entry => entry.Value)
            .ToDictionary(entry => (int)entry.Value, entry => Rgb.FromValue(entry.Key));
        return [.. table.Classes.Select((_, i) => first.TryGetValue(i, out var color) ? color : spare[i])];
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var (table, member, mistake) = Resolve();
        if (table is null)
            yield return new ValidationResult(mistake, [member]);
        else if (Palette is not null && Palette.Length != table.Classes.Count)
            yield return new ValidationResult($"{Palette.Length} colours for {table.Classes.Count} classes.", [nameof(Palette)]);
    }

    /// <summary>The label_map in full, for tools/print-config.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?> Expand()
    {
        if (Resolve().Table is not { } table)
            return new Dictionary<string, IReadOnlyDictionary<string, string>?>();
        return new Dictionary<string, IReadOnlyDictionary<string, string>?>
        {
            ["label_map"] = new Dictionary<string, string>(table.AsLabelMap()),
            ["label_class_ids"] = null,
            ["reduce_zero_label"] = null,
        };
    }

    private LabelReading Resolve() => LabelReading.Of(this, Known);
}
