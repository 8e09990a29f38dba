namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>The class names that a checkpoint carries: OpenMMLab's <c>meta</c>, a plain list beside the weights, or what Tessera
/// publishes.</summary>
internal static class PickledClasses
{
    /// <summary>The attribute of the state dict that a published .pth has.</summary>
    public const string Attribute = "tessera_classes";

    /// <summary>And whose names its tensors bear.</summary>
    public const string NamesAttribute = "tessera_names";

    private const int Most = 100_000;

    private static readonly string[] s_keys = ["classes", "CLASSES", "class_names"];

    /// <returns>null where there are none.</returns>
    public static IReadOnlyList<string>? Of(PickleDict root) =>
        Texts(root.Attributes?[Attribute])
        ?? In(root)
        ?? (root["meta"] is PickleDict meta ? In(meta["dataset_meta"] as PickleDict) ?? In(meta) : null);

    private static string[]? In(PickleDict? dict) =>
        dict is null ? null : s_keys.Select(key => Texts(dict[key])).FirstOrDefault(names => names is not null);

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
