using Tessera.Framework.Files;
using Tessera.Framework.Models.Peft;

namespace Tessera.Framework.Checkpoints;

/// <summary>Words every mistake about checkpoints, and about weights that are to fit a model, once.</summary>
internal static class CheckpointErrors
{
    public static UserErrorException SeveralPlaces(string path, string first, string second) =>
        new(
            $"{path}\n  The model fits two places of the file equally well: under \"{first}\" and under \"{second}\". Name one with "
                + $"\"prefix\".",
            new Advice("Name one with \"prefix\"", "prefix")
        );

    /// <summary>Which weights of a file are taken, and how the others are.</summary>
    public static AdvisedText OtherWeights(string said, WeightChoice taken)
    {
        var (what, other) = taken == WeightChoice.Averaged ? ("the others", "trained") : ("the average", "averaged");
        var advice = $"init.weights \"{other}\"";
        return new($"{said}. For {what}: {advice}.", new Advice(advice, "weights", other));
    }

    /// <summary>An average that lacks tensors is no network by itself, so that it is not taken.</summary>
    /// <param name="key">The option by which an initializer, which need not find everything, takes it.</param>
    public static AdvisedText LessComplete(string said, string key, string name) =>
        new($"{said}. An init with \"{key}\": \"{name}\" takes the others, as far as they go");

    public static UserErrorException CannotSave(string path, Exception error, long needed) =>
        new(
            $"{path}\n  "
                + (
                    error is IOException full && AtomicFile.IsFull(full)
                        ? $"The disk is full: the file needs about {ByteSizes.Text(needed)}."
                        : $"The file can't be written: {error.Message}"
                )
                + " What was there before is untouched.",
            error
        );

    public static UserErrorException LatestIsGone(string pointer, string name, IReadOnlyList<string> there) =>
        new(
            $"{pointer}\n  It names {(name.Length == 0 ? "nothing" : name)}, which isn't there. "
                + (
                    there.Count == 0
                        ? "The folder has no checkpoint."
                        : $"The folder has: {string.Join(", ", there)}; write one of these names into it."
                )
        );

    public static UserErrorException NotACheckpoint(string path) =>
        new(
            $"{path}\n  This is no checkpoint of a Tessera run: it carries no config and no class names. Weights alone are loaded with "
                + $"\"init\": {{ \"type\": \"Pretrained\", \"checkpoint\": … }} or by tools/test CONFIG CHECKPOINT."
        );

    public static UserErrorException Altered(string path) =>
        new($"{path}\n  The file is damaged: its content is not what was written (the hash differs). Use another checkpoint.");

    public static UserErrorException NoBase(string path, string beside) =>
        new(
            $"{path}\n  The checkpoint holds only what was trained on top of these weights, and the file isn't there. Put it there, or as "
                + $"{beside}."
        );

    public static UserErrorException OtherBase(string path, BaseIdentity needed, string found) =>
        new(
            $"{path}\n  The checkpoint holds only what was trained on top of other weights, and the model's are not these: their "
                + $"SHA-256 is {found[..12]}…, {needed.Sha256[..12]}… is needed, from {needed.Source}. Have the model's "
                + "init name that file."
        );

    public static UserErrorException AdapterAlone(string path, string source) =>
        new(
            $"{path}\n  The checkpoint holds only what was trained on top of {source}. tools/merge-adapter makes one of "
                + "both that holds all."
        );

    public static UserErrorException OtherForm(string path, string options) =>
        new($"{path}\n  The weights are of another form of the backbone. {options}");

    public static UserErrorException BadInfo(string path, Exception error) =>
        new($"{path}\n  What the checkpoint says about itself can't be read: {error.Message}", error);

    public static UserErrorException OtherArchitecture(
        string path,
        int count,
        IReadOnlyList<string> missing,
        IReadOnlyList<string> unexpected,
        IReadOnlyList<(string Name, string Expected, string Found)> wrong,
        string explanation
    )
    {
        var lines = new List<string>
        {
            path,
            $"  The checkpoint is of another architecture: {count - missing.Count - wrong.Count} of the model's {count} tensors fit.",
        };
        if (explanation.Length > 0)
            lines.Add("  " + explanation);
        if (wrong.Count > 0)
            lines.Add(
                $"  {wrong.Count} of another shape: "
                    + $"{WeightsFileErrors.Some(wrong.Select(w => $"{w.Name} is {w.Found}, the model's {w.Expected}"))}"
            );
        if (missing.Count > 0)
            lines.Add($"  {missing.Count} missing: {WeightsFileErrors.Some(missing)}");
        if (unexpected.Count > 0)
            lines.Add($"  {unexpected.Count} that the model doesn't have: {WeightsFileErrors.Some(unexpected)}");
        return new(string.Join("\n", lines));
    }

    public static UserErrorException OtherClasses(string path, IReadOnlyList<string> saved, IReadOnlyList<string> data)
    {
        if (saved.Count != data.Count)
            return new(
                $"{path}\n  The checkpoint knows {saved.Count} classes ({WeightsFileErrors.Some(saved)}), the data has {data.Count} "
                    + $"({WeightsFileErrors.Some(data)})."
                    + (data.All(saved.Contains) ? " Where the data lacks some of them, name all in the data set's \"classes\"." : "")
            );
        var first = Enumerable.Range(0, saved.Count).First(i => saved[i] != data[i]);
        const string inOrder = "init.match_classes \"in_order\"";
        return new(
            $"{path}\n  The checkpoint's classes are others than the data's: class {first} is \"{saved[first]}\" there and "
                + $"\"{data[first]}\" here"
                + (
                    saved.Order(StringComparer.Ordinal).SequenceEqual(data.Order(StringComparer.Ordinal))
                        ? "; the names are the same, their order is not."
                    : saved
                        .Order(StringComparer.OrdinalIgnoreCase)
                        .SequenceEqual(data.Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase)
                    && !saved.SequenceEqual(data, StringComparer.OrdinalIgnoreCase)
                        ? "; but for upper and lower case the names are the same, their order is not. Write them the same way."
                    : $". If they mean the same in the same order: {inOrder}."
                ),
            new Advice(inOrder, "match_classes")
        );
    }

    public static UserErrorException OtherTask(string path, Data.DataTask saved, Data.DataTask data) =>
        new($"{path}\n  The checkpoint's model was trained for {saved}, the data is for {data}.");

    public static UserErrorException NoSuchMap(string path, string asked, string module, IEnumerable<string> known)
    {
        var names = known.Append("own").ToList();
        return new(
            $"{path}\n  {module} has no key map \"{asked}\".{NearestName.Suggest(asked, names)} It has: {string.Join(", ", names)}."
        );
    }

    public static UserErrorException NotShared(string path, string name, string original, string own) =>
        new(
            $"{path}\n  {name} and {original} differ, but the model has one tensor for both, {own}: the file is of a model that does not "
                + "share this layer."
        );

    /// <param name="missing">In the key map's form.</param>
    /// <param name="found">In the file.</param>
    public static UserErrorException PartMissing(string path, string own, IReadOnlyList<string> missing, IReadOnlyList<string> found) =>
        new(
            $"{path}\n  The model's {own} is joined of {missing.Count + found.Count} tensors, of which the file has "
                + $"{string.Join(" and ", found)}, and lacks {string.Join(" and ", missing)}."
        );

    /// <param name="parts">Names in the file, with shapes.</param>
    public static UserErrorException PartsDiffer(string path, string own, IEnumerable<string> parts) =>
        new(
            $"{path}\n  The model's {own} is joined of tensors that may differ in their first dimension alone; the file's are "
                + $"{string.Join(" and ", parts)}."
        );

    /// <param name="broken">The model's names of tensors that hold a NaN or an infinity, at least one.</param>
    public static UserErrorException NotFinite(string path, IReadOnlyList<string> broken) =>
        new(
            $"{path}\n  {WeightsFileErrors.Some(broken)} {(broken.Count == 1 ? "holds" : "hold")} NaN or infinite values: the "
                + $"weights are of a "
                + "training that failed, and would make every output so. Take an earlier checkpoint of it."
        );

    public static UserErrorException NothingFits(
        string path,
        IReadOnlyDictionary<string, TorchSharp.torch.Tensor> target,
        WeightsFile file,
        string module,
        IReadOnlyList<string> maps
    ) =>
        new(
            $"{path}\n  Nothing in the file fits {module}.\n  The file has: "
                + $"{WeightsFileErrors.Some(file.Tensors.Values.Select(t => $"{t.Name} {WeightInfo.ShapeText(t.Shape)}"))}."
                + $"\n  {module} has: {WeightsFileErrors.Some(target.Select(t => $"{t.Key} {WeightInfo.ShapeText(t.Value.shape)}"))}."
                + $"\n  Key maps tried: {string.Join(", ", maps.Append("own"))}. Others can be given with \"prefix\" and "
                + "\"key_map\".",
            new Advice("Others can be given with \"prefix\" and \"key_map\"", "prefix", "key_map")
        );

    /// <param name="spare">The first word of names that the model has no use for; null where there is none.</param>
    public static UserErrorException NotComplete(string path, IReadOnlyList<string> table, string read, string? spare)
    {
        var pattern = $"^{System.Text.RegularExpressions.Regex.Escape(spare ?? "")}\\..*";
        var leave = $"\"key_map\": {{ {System.Text.Json.JsonSerializer.Serialize(pattern)}: \"\" }}";
        return new(
            $"{path}\n  The weights and the model don't match:\n    {string.Join("\n    ", table)}"
                + $"\n  They were read as {read}. Other names are told by \"keys\", \"prefix\" and \"key_map\"."
                + (spare is null ? "" : $" What the model has no use for is left out by an empty name: {leave}."),
            new Advice("Other names are told by \"keys\", \"prefix\" and \"key_map\"", "keys", "prefix", "key_map"),
            new Advice(leave, "key_map", $"'{pattern}='")
        );
    }

    public static UserErrorException ClassCount(string path, long found, long expected) =>
        new($"{path}\n  The file's classifier has {found} classes, the data {expected}.");

    public static UserErrorException NoStem(string path) =>
        new($"{path}\n  \"input_mode\" is \"bgr\", but no convolution over 3 channels was loaded whose channels could be swapped.");

    public static UserErrorException BadPattern(System.Text.RegularExpressions.RegexParseException error) =>
        new(
            $"A pattern of key_map or skip is no regular expression: {error.Message}",
            error,
            new Advice("A pattern of key_map", "key_map")
        );

    public static UserErrorException SlowPattern(System.Text.RegularExpressions.RegexMatchTimeoutException error) =>
        new($"The pattern \"{error.Pattern}\" of init.key_map or init.skip takes too long on \"{error.Input}\".", error);

    public static UserErrorException NotPublishable(string path, string asked, IEnumerable<string> known)
    {
        var names = known.ToList();
        return new(
            $"{path}\n  The model can't be published in the names of \"{asked}\".{NearestName.Suggest(asked, names)} It can in: "
                + $"{string.Join(", ", names)}."
        );
    }

    public static UserErrorException SameName(string path, string map, string name) =>
        new($"{path}\n  In the names of \"{map}\" two tensors are called {name}. Publish under \"own\" names instead.");

    public static UserErrorException NotFinite(string path, string tensor) =>
        new(
            $"{path}\n  {tensor} is not finite, so nothing is published. An earlier release saved it; train again from a checkpoint "
                + $"before it."
        );

    public static UserErrorException UnknownOutput(string path, string extension) =>
        new(
            $"{path}\n  Weights are not written as \"{extension}\". Expected: .safetensors, .pth or .pt, a folder, or a name without "
                + $"extension."
        );
}
