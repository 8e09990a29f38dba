using System.Globalization;

namespace Tessera.Framework.Configuration;

/// <summary>One value of an axis: a name, and what it changes in the config.</summary>
public sealed record GridLevel(string Name, IReadOnlyList<ConfigEdit> Edits);

/// <summary>What is compared: "loss", "optimizer".</summary>
/// <param name="Levels">At least one, in the file's order.</param>
public sealed record GridAxis(string Name, IReadOnlyList<GridLevel> Levels);

/// <summary>
/// A file of configs to be compared: a base, and axes whose levels are edits of it.
/// <c>{ "_base_": "x.json", "axes": { "loss": { "ce": {}, "focal": { "model.head.loss.type": "FocalLoss" } } }, "repeats": 3, "epochs": 10
/// }</c>.
/// </summary>
public sealed class ConfigGrid
{
    private const string BaseKey = "_base_",
        AxesKey = "axes",
        RepeatsKey = "repeats",
        SeedsKey = "seeds",
        EpochsKey = "epochs",
        IterationsKey = "iterations";

    private const int MostCells = 10_000,
        MostRepeats = 1000;

    private static readonly string[] s_keys = [BaseKey, AxesKey, RepeatsKey, SeedsKey, EpochsKey, IterationsKey, ConfigDocument.SchemaKey];

    private ConfigGrid(string path, ConfigDocument config, IReadOnlyList<GridAxis> axes) => (Path, Base, Axes) = (path, config, axes);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What all cells start from, at the length that the grid gives.</summary>
    public ConfigDocument Base { get; }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<GridAxis> Axes { get; }

    /// <summary>How often each cell is trained; null where <see cref="Seeds"/> says it.</summary>
    public int? Repeats { get; private init; }

    /// <summary>The seeds that each cell is trained with; null where there are so many from the config's on.</summary>
    public IReadOnlyList<long>? Seeds { get; private init; }

    /// <summary>All combinations of the axes' levels, the last axis's changing first.</summary>
    public IEnumerable<IReadOnlyList<GridLevel>> Cells =>
        Axes.Aggregate(
            (IEnumerable<IReadOnlyList<GridLevel>>)
                [
                    [],
                ],
            (cells, axis) => cells.SelectMany(cell => axis.Levels.Select(level => (IReadOnlyList<GridLevel>)[.. cell, level]))
        );

    /// <summary>The config of a cell: the base, then the edits of its levels in the axes' order.</summary>
    /// <exception cref="UserErrorException">An edit can't be made; the message names its line.</exception>
    public ConfigDocument Config(IReadOnlyList<GridLevel> cell) => Base.Edited([.. cell.SelectMany(level => level.Edits)]);

    /// <summary>Reads a grid and its base.</summary>
    /// <param name="overrides">Changes to the base: <c>a.b=1</c>.</param>
    /// <exception cref="UserErrorException">Everything that is wrong with the file, or with the base.</exception>
    public static ConfigGrid Load(string path, IReadOnlyList<string>? overrides = null)
    {
        var mistakes = new MistakeList();
        var (root, merged) = new ConfigLoader(mistakes).LoadGrid(path);
        mistakes.ThrowIfAny();
        foreach (var (key, value) in root!)
            if (!s_keys.Contains(key))
                mistakes.Add(new Mistake(value.Source, key, ConfigErrors.NoGridKey(key, s_keys)));
        if (merged is null)
            mistakes.Add(new Mistake(root.Source, BaseKey, ConfigErrors.GridWithoutBase()));
        var axes = ReadAxes(root, mistakes);
        var repeats = Whole(root, RepeatsKey, 1, MostRepeats, mistakes);
        var seeds = ReadSeeds(root, mistakes);
        var length = ReadLength(root, mistakes);
        mistakes.ThrowIfAny();
        var given = ConfigDocument.OfMerged(merged!, mistakes, overrides);
        var config = given.Edited([.. length, .. ReadEvaluations(given, root)]);
        return new ConfigGrid(System.IO.Path.GetFullPath(path), config, axes)
        {
            Repeats = repeats is { } count ? (int)count : null,
            Seeds = seeds,
        };
    }

    private static List<GridAxis> ReadAxes(ConfigMap root, MistakeList mistakes)
    {
        var axes = new List<GridAxis>();
        if (root[AxesKey] is not ConfigMap { Count: > 0 } map)
        {
            mistakes.Add(new Mistake((root[AxesKey] ?? root).Source, AxesKey, ConfigErrors.NoAxes()));
            return axes;
        }
        foreach (var (name, node) in map)
        {
            var path = ConfigPath.Join(AxesKey, name);
            RequireName(name, node.Source, path, mistakes);
            if (node is not ConfigMap { Count: > 0 } levels)
            {
                mistakes.Add(new Mistake(node.Source, path, ConfigErrors.NoLevels(node)));
                continue;
            }
            axes.Add(new GridAxis(name, [.. levels.Select(level => ReadLevel(level.Key, level.Value, path, mistakes))]));
        }
        var cells = axes.Aggregate(1L, (count, axis) => Math.Min(count * axis.Levels.Count, MostCells + 1L));
        if (cells > MostCells)
            mistakes.Add(new Mistake(map.Source, AxesKey, ConfigErrors.TooManyCells(MostCells)));
        return axes;
    }

    private static GridLevel ReadLevel(string name, ConfigNode node, string axis, MistakeList mistakes)
    {
        var path = ConfigPath.Join(axis, name);
        RequireName(name, node.Source, path, mistakes);
        if (node is ConfigMap edits)
            return new GridLevel(name, [.. edits.Select(edit => new ConfigEdit(edit.Key, edit.Value))]);
        mistakes.Add(new Mistake(node.Source, path, ConfigErrors.NoLevel(node)));
        return new GridLevel(name, []);
    }

    /// <summary>Names become those of folders.</summary>
    private static void RequireName(string name, SourceLocation source, string path, MistakeList mistakes)
    {
        if (name.Length is 0 or > 60 || name[0] == '.' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+'))
            mistakes.Add(new Mistake(source, path, ConfigErrors.NoFolderName(name)));
    }

    private static long[]? ReadSeeds(ConfigMap root, MistakeList mistakes)
    {
        if (root[SeedsKey] is not { } node)
            return null;
        if (root[RepeatsKey] is not null)
            mistakes.Add(new Mistake(node.Source, SeedsKey, ConfigErrors.OneOfTwo(SeedsKey, RepeatsKey)));
        if (node is ConfigList { Count: > 0 and <= MostRepeats } list)
        {
            var seeds = list.Select(item => Number(item) ?? -1).ToArray();
            if (seeds.All(seed => seed >= 0) && seeds.Distinct().Count() == seeds.Length)
                return seeds;
        }
        mistakes.Add(new Mistake(node.Source, SeedsKey, ConfigErrors.WrongType("a list of different whole numbers from 0", node)));
        return null;
    }

    /// <summary>The edits that give all cells the same length.</summary>
    private static List<ConfigEdit> ReadLength(ConfigMap root, MistakeList mistakes)
    {
        if (root[EpochsKey] is { } epochs && root[IterationsKey] is not null)
            mistakes.Add(new Mistake(epochs.Source, EpochsKey, ConfigErrors.OneOfTwo(EpochsKey, IterationsKey)));
        var edits = new List<ConfigEdit>();
        foreach (var key in (string[])[EpochsKey, IterationsKey])
        {
            if (Whole(root, key, 1, int.MaxValue, mistakes) is null)
                continue;
            var source = root[key]!.Source;
            edits.Add(new ConfigEdit($"train.{key}", root[key]!));
            edits.Add(new ConfigEdit("train.loop", new ConfigValue(source, ConfigValueKind.String, key)));
        }
        return edits;
    }

    /// <summary>Where the grid counts in another unit than the base, so does the interval of the evaluations: every epoch, or once at the
    /// end of so many iterations.</summary>
    private static IEnumerable<ConfigEdit> ReadEvaluations(ConfigDocument config, ConfigMap root)
    {
        var counts = (config.Find("train.loop") as ConfigValue)?.Text ?? EpochsKey;
        if (root[IterationsKey] is { } iterations && counts != IterationsKey)
            yield return new ConfigEdit("train.validate_every", iterations);
        if (root[EpochsKey] is { } epochs && counts != EpochsKey)
            yield return new ConfigEdit("train.validate_every", new ConfigValue(epochs.Source, ConfigValueKind.Number, "1"));
    }

    private static long? Whole(ConfigMap root, string key, long least, long most, MistakeList mistakes)
    {
        if (root[key] is not { } node)
            return null;
        if (Number(node) is { } number && number >= least && number <= most)
            return number;
        mistakes.Add(
            new Mistake(
                node.Source,
                key,
                ConfigErrors.WrongType(string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"), node)
            )
        );
        return null;
    }

    private static long? Number(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.Number } value
        && long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
