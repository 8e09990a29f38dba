using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>What becomes of something in the annotations that can't be used.</summary>
public enum BadData
{
    /// <summary>Nothing runs before it is mended.</summary>
    Error,

    /// <summary>It is left out, counted, and said once at the start.</summary>
    Skip,
}

/// <summary>What can be wrong with annotations.</summary>
public enum FindingKind
{
    /// <summary>Without extent, of negative size, no number, or wholly outside the image.</summary>
    BadBox,

    /// <summary>Of a class that isn't wanted, or isn't there.</summary>
    UnknownClass,

    /// <summary>An image that is not where it should be.</summary>
    MissingImage,

    /// <summary>Two of one id.</summary>
    Duplicate,

    /// <summary>An annotation file, or an image, that can't be read.</summary>
    BadFile,

    /// <summary>A mask that is missing, of another size than its image, or no mask at all.</summary>
    BadMask,
}

/// <summary>Gathers what is wrong with annotations, so that it is said all at once.</summary>
/// <param name="policy">What becomes of each kind.</param>
/// <param name="option">What a tool's user gives to leave out all that can't be used; null: the data set's option of each kind.</param>
public sealed class Findings(Func<FindingKind, BadData> policy, string? option = null)
{
    private const int Shown = 6;

    private readonly SortedDictionary<FindingKind, (long Count, List<string> First)> _found = [];
    private readonly LeftOutCounter _meant = new();
    private readonly List<string> _notes = [],
        _required = [];

    /// <summary>Everything that is left out, by reason.</summary>
    public IReadOnlyList<LeftOut> LeftOut =>
        [
            .. _found.Select(entry => new LeftOut(
                KindOf(entry.Key),
                $"{Plural(entry.Key)} ({Option(entry.Key)})",
                entry.Value.Count,
                entry.Value.First
            )),
            .. _meant.Counted,
        ];

    /// <summary>Notes one; past the first few of its kind they are only counted.</summary>
    public void Add(FindingKind kind, string what)
    {
        var (count, first) = _found.GetValueOrDefault(kind, (0, []));
        if (first.Count < Shown)
            first.Add(what);
        _found[kind] = (count + 1, first);
    }

    /// <summary>Counts what is left out because an option says so, or because it is no mistake.</summary>
    public void LeaveOut(LeftOutKind kind, string reason, string what) => _meant.Add(kind, reason, what);

    /// <summary>A mistake, whatever the policy.</summary>
    public void Require(string what) => _required.Add(what);

    /// <summary>Something odd that stands in nobody's way.</summary>
    public void Note(string what) => _notes.Add(what);

    public long CountOf(FindingKind kind) => _found.GetValueOrDefault(kind).Count;

    /// <returns>What is skipped, and what is odd.</returns>
    /// <exception cref="UserErrorException">Something is found that must not be.</exception>
    public IReadOnlyList<string> Report()
    {
        var fatal = _found.Where(entry => policy(entry.Key) == BadData.Error).ToArray();
        if (fatal.Length + _required.Count > 0)
        {
            var required = _required
                .Take(Shown)
                .Concat(_required.Count > Shown ? [Invariant($"… and {_required.Count - Shown:N0} more of that kind.")] : []);
            var lines = fatal
                .SelectMany(entry =>
                    entry
                        .Value.First.Append(
                            entry.Value.Count > entry.Value.First.Count
                                ? Invariant($"… and {entry.Value.Count - entry.Value.First.Count:N0} more of that kind.")
                                : ""
                        )
                        .Append(option is null ? Skipping(entry.Key, entry.Value.Count) : "")
                )
                .Concat(required)
                .Append(option is null || fatal.Length == 0 ? "" : $"{option} leaves out what can't be used.")
                .Where(line => line.Length > 0);
            throw new UserErrorException(
                string.Join("\n  ", lines),
                option is not null ? [] : [.. fatal.Select(entry => new Advice(Skipping(entry.Key, entry.Value.Count), Option(entry.Key)))]
            );
        }
        return
        [
            .. _found.Select(entry =>
                Invariant(
                    $"{entry.Value.Count:N0} {What(entry.Key, entry.Value.Count)} ({Option(entry.Key)}). The first: {entry.Value.First[0]}"
                )
            ),
            .. _meant.Counted.Select(entry => entry.ToString()),
            .. _notes,
        ];
    }

    private string Skipping(FindingKind kind, long count) => $"\"{Option(kind)}\": \"skip\" leaves {(count == 1 ? "it" : "them")} out.";

    private static LeftOutKind KindOf(FindingKind kind) =>
        kind switch
        {
            FindingKind.MissingImage or FindingKind.BadFile => LeftOutKind.Image,
            FindingKind.Duplicate => LeftOutKind.File,
            _ => LeftOutKind.Box,
        };

    private static string Plural(FindingKind kind) =>
        kind switch
        {
            FindingKind.BadBox => "boxes that can't be used",
            FindingKind.UnknownClass => "objects of classes that aren't among the classes",
            FindingKind.MissingImage => "annotations of images that aren't there",
            FindingKind.Duplicate => "duplicates",
            FindingKind.BadMask => "masks that can't be used",
            _ => "files that can't be read",
        };

    private string Option(FindingKind kind) =>
        option
        ?? kind switch
        {
            FindingKind.BadBox => "on_bad_box",
            FindingKind.UnknownClass => "on_unknown_class",
            FindingKind.MissingImage => "on_missing_image",
            FindingKind.Duplicate => "on_duplicate",
            FindingKind.BadMask => "on_bad_mask",
            _ => "on_bad_file",
        };

    private static string What(FindingKind kind, long count) =>
        kind switch
        {
            FindingKind.BadBox => count == 1 ? "box can't be used and is skipped" : "boxes can't be used and are skipped",
            FindingKind.UnknownClass => count == 1
                ? "object is of a class that isn't among the classes and is skipped"
                : "objects are of classes that aren't among the classes and are skipped",
            FindingKind.MissingImage => count == 1 ? "missing image is skipped" : "annotations name missing images and are skipped",
            FindingKind.Duplicate => count == 1 ? "duplicate is skipped" : "duplicates are skipped",
            FindingKind.BadMask => count == 1 ? "mask can't be used and is skipped" : "masks can't be used and are skipped",
            _ => count == 1 ? "file can't be read; its image is skipped" : "files can't be read; their images are skipped",
        };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
