using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Renames the keys of a foreign checkpoint to the module's own, and back.</summary>
/// <param name="Rename">The module's key for a foreign key; null where the foreign key has no place here.</param>
public sealed record KeyMap(Func<string, string?> Rename)
{
    /// <summary>The foreign key for a module's key, the inverse of <see cref="Rename"/>; null where the foreign form has none. Unset: the
    /// map only reads.</summary>
    public Func<string, string?>? Publish { get; init; }

    /// <summary>Makes tensors fit that are stored in another shape (null: taken as they are). Arguments: the module's key, the foreign
    /// tensor.</summary>
    public Func<string, Tensor, Tensor>? Reshape { get; init; }

    /// <summary>A second of the module's keys that the same foreign tensor fills, of which <see cref="Reshape"/> then gives each its part.
    /// Unset: there is none.</summary>
    public Func<string, string?>? RenameSecond { get; init; }

    /// <summary>The foreign keys of the tensors that are one tensor here, lying one behind the other along its first dimension (queries,
    /// keys and values): in their order, the key itself among them. <see cref="Rename"/> gives all of them the same name, and
    /// <see cref="Reshape"/> gets them joined. Argument: the foreign key. Unset, or null: the tensor is one there, too.</summary>
    public Func<string, IReadOnlyList<string>?>? Joined { get; init; }

    /// <summary>Whether a foreign tensor is computed here, so that nothing is lost by passing it over. Argument: the foreign key. Unset:
    /// none is.</summary>
    public Func<string, bool>? Computed { get; init; }

    /// <summary>The foreign key of the tensor that another one repeats, where the file has both, which must hold the same numbers: a layer
    /// that is shared lies in such files once for each use. Argument: the foreign key. Unset, or null: it repeats none.</summary>
    public Func<string, string?>? Repeats { get; init; }

    /// <summary>
    /// Whether the foreign form lacks a tensor of the module (a bias before a norm): loading sets it to 0, publishing leaves
    /// it out. Argument: the module's key. Unset: it lacks none.
    /// </summary>
    public Func<string, bool>? Absent { get; init; }

    /// <summary>How a tensor is changed when it is published; see <see cref="PublishedForms"/>. Argument: the module's key.
    /// Unset: not at all.</summary>
    public Func<string, string?>? PublishAs { get; init; }

    /// <summary>What a foreign checkpoint of a whole classifier calls its last layer ("fc", "head"); its weight is [classes, features].
    /// Unset: not known.</summary>
    public string? Classifier { get; init; }

    /// <summary>The map of a whole model, whose backbone this is the map of.</summary>
    /// <param name="backbone">The backbone's name in the model.</param>
    /// <param name="classifier">The last layer's name in the model; null where it has none that could be read.</param>
    public KeyMap ForModel(string backbone, string? classifier)
    {
        var (foreignHead, ownHead, ownBackbone) = (Classifier + ".", classifier + ".", backbone + ".");
        var joined = Classifier is not null && classifier is not null;
        return new KeyMap(key =>
            joined && key.StartsWith(foreignHead, StringComparison.Ordinal) ? ownHead + key[foreignHead.Length..]
            : Rename(key) is { } own ? ownBackbone + own
            : null
        )
        {
            Classifier = Classifier,
            Publish = Publish is null
                ? null
                : key =>
                    joined && key.StartsWith(ownHead, StringComparison.Ordinal) ? foreignHead + key[ownHead.Length..]
                    : key.StartsWith(ownBackbone, StringComparison.Ordinal) ? Publish(key[ownBackbone.Length..])
                    : null,
            Reshape = Reshape is null
                ? null
                : (key, tensor) =>
                    key.StartsWith(ownBackbone, StringComparison.Ordinal) ? Reshape(key[ownBackbone.Length..], tensor) : tensor,
            RenameSecond = RenameSecond is null ? null : key => RenameSecond(key) is { } own ? ownBackbone + own : null,
            Joined = Joined,
            Computed = Computed,
            Absent = Below(Absent, ownBackbone),
            PublishAs = Below(PublishAs, ownBackbone),
        };
    }

    /// <summary><see cref="Absent"/> of a part, for the whole.</summary>
    /// <param name="prefix">Of the part's keys in the whole, with its dot.</param>
    public static Func<string, bool>? Below(Func<string, bool>? absent, string prefix) =>
        absent is null ? null : key => key.StartsWith(prefix, StringComparison.Ordinal) && absent(key[prefix.Length..]);

    /// <summary><see cref="Joined"/> of a part, for the whole, where the part's keys may stand below a prefix.</summary>
    /// <param name="prefix">With its dot.</param>
    public static Func<string, IReadOnlyList<string>?>? Below(Func<string, IReadOnlyList<string>?>? joined, string prefix) =>
        joined is null
            ? null
            : key =>
                key.StartsWith(prefix, StringComparison.Ordinal)
                    ? joined(key[prefix.Length..]) is { } parts
                        ? [.. parts.Select(part => prefix + part)]
                        : null
                    : joined(key);

    /// <summary><see cref="PublishAs"/> of a part, for the whole.</summary>
    /// <param name="prefix">Of the part's keys in the whole, with its dot.</param>
    public static Func<string, string?>? Below(Func<string, string?>? publishAs, string prefix) =>
        publishAs is null
            ? null
            : key =>
                key.StartsWith(prefix, StringComparison.Ordinal) ? PublishedForms.Below(publishAs(key[prefix.Length..]), prefix) : null;
}
