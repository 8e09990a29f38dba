using System.Globalization;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>The class names that a checkpoint carries: OpenMMLab's <c>meta</c>, a plain list beside the weights, numbers by
/// name or names by number, or what Tessera publishes.</summary>
internal static class PickledClasses
{
    /// <summary>The attribute of the state dict that a published .pth has.</summary>
    public const string Attribute = "tessera_classes";

    /// <summary>And whose names its tensors bear.</summary>
    public const string NamesAttribute = "tessera_names";

    private const int Most = 100_000;

    private static readonly string[] s_keys =
    [
        "classes",
        "CLASSES",
        "class_names",
        "classnames",
        "label_names",
        "category_names",
        "categories",
    ];

    /// <summary>Numbers by name: torchvision's data sets, Hugging Face.</summary>
    private static readonly string[] s_numbers = ["class_to_idx", "label2id"];

    /// <summary>Where a script keeps its settings: Lightning, Hugging Face.</summary>
    private static readonly string[] s_settings = ["config", "hyper_parameters", "hparams", "args"];

    /// <summary>Names by number.</summary>
    private static readonly string[] s_names = ["id2label", "idx_to_class"];

    /// <returns>null where there are none.</returns>
    public static IReadOnlyList<string>? Of(PickleDict root) =>
        Texts(root.Attributes?[Attribute])
        ?? In(root)
        ?? (root["meta"] is PickleDict meta ? In(meta["dataset_meta"] as PickleDict) ?? In(meta) : null)
        ?? s_settings.Select(key => In(root[key] as PickleDict)).FirstOrDefault(names => names is not null)
        ?? (root["nc"] is not null ? Texts(root["names"]) : null)
        ?? Ordered((root["names"] as PickleDict)?.Entries);

    /// <summary>An entry that should name classes, and can't be read as names; null where there is none.</summary>
    public static string? Unreadable(PickleDict root) =>
        s_keys.FirstOrDefault(key => root[key] is { } value and not (long or double or bool) && Texts(value) is null);

    private static string[]? In(PickleDict? dict) =>
        dict is null
            ? null
            : s_keys
                .Select(key => Texts(dict[key]))
                .Concat(
                    s_numbers.Select(key => Ordered((dict[key] as PickleDict)?.Named.Select(entry => (entry.Value, (object?)entry.Key))))
                )
                .Concat(s_names.Select(key => Ordered((dict[key] as PickleDict)?.Entries)))
                .FirstOrDefault(names => names is not null);

    /// <summary>The names by their numbers; null where these are not 0, 1, 2 ….</summary>
    private static string[]? Ordered(IEnumerable<(object? Number, object? Name)>? entries)
    {
        var byNumber = new SortedDictionary<long, string>();
        foreach (var (number, name) in entries?.Take(Most + 1) ?? [])
        {
            var index = number switch
            {
                long value => value,
                int value => value,
                string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) => value,
                _ => -1,
            };
            if (name is not string written || !byNumber.TryAdd(index, written))
                return null;
        }
        return byNumber.Count is > 0 and <= Most && byNumber.Keys.Select((number, i) => number == i).All(fits => fits)
            ? [.. byNumber.Values]
            : null;
    }

    private static string[]? Texts(object? value)
    {
        var items = value switch
        {
            PickleTuple tuple => tuple.Items,
            List<object?> list => (IReadOnlyList<object?>)list,
            _ => [],
        };
        return items.Count is > 0 and <= Most && items.All(item => item is string) ? [.. items.Cast<string>()] : null;
    }
}
