using Tessera.Framework.Files;

namespace Tessera.Framework.Checkpoints;

/// <summary>Words every mistake about files of weights, once.</summary>
internal static class CheckpointErrors
{
    private const string Expected = "Expected: a .safetensors file, the .index.json of several, or a PyTorch checkpoint (.pth, .pt, .th).";

    public static UserErrorException NoSuchFile(string path) => new($"{path}\n  There is no such file. {Nearby(path)}".TrimEnd());

    public static UserErrorException IsFolder(string path)
    {
        var index =
            Directory.EnumerateFiles(path, "*.index.json").Order(StringComparer.Ordinal).FirstOrDefault()
            ?? Directory.EnumerateFiles(path, "*.safetensors").Order(StringComparer.Ordinal).FirstOrDefault();
        return new($"{path}\n  This is a folder. {(index is null ? Expected : $"Name a file in it: {index}.")}");
    }

    public static UserErrorException CannotRead(string path, Exception error) =>
        new($"{path}\n  The file can't be read: {error.Message}", error);

    public static UserErrorException NotWeights(FileBytes file, string why) => At(file, $"This is no file of weights: {why}. {Expected}");

    public static UserErrorException NoParts(FileBytes file, string part) =>
        At(
            file,
            $"\"part\" is {part}, but a safetensors file has no parts; use \"prefix\" for tensors under a common name.",
            new Advice("use \"prefix\"", "prefix")
        );

    public static UserErrorException Truncated(FileBytes file, string what) =>
        At(file, $"The file is cut short: it ends at byte {file.Length}, within {what}. Copy or download it again.");

    public static UserErrorException Damaged(FileBytes file, string why) => At(file, $"The file is damaged: {why}.");

    public static UserErrorException UnknownElementType(FileBytes file, string tensor, string word) =>
        At(file, $"{tensor} has the element type \"{word}\". Known here: {string.Join(", ", ElementTypes.SafetensorsNames)}.");

    public static UserErrorException NoSuchType(FileBytes file, WeightInfo info) =>
        At(file, $"{info.Name} is stored as {info.Type}, which the tensor library doesn't have. Convert it to another type first.");

    public static UserErrorException CannotStore(WeightInfo info) =>
        new($"{info.Name} is {info.Type}, which a safetensors file can't hold.");

    public static UserErrorException RefusedGlobal(FileBytes file, string name, string? hint) =>
        At(
            file,
            $"The file asks for {name}, which is nothing that weights need. It is refused; nothing was executed."
                + (hint ?? " If you trust where the file comes from, open it in Python and save its state dict alone.")
        );

    public static UserErrorException RefusedOpcode(FileBytes file, string what) =>
        At(file, $"The file uses {what}, which is nothing that weights need. It is refused; nothing was executed.");

    public static UserErrorException BadPickle(FileBytes file, string why) =>
        At(file, $"The file is damaged or was made to mislead: {why}.");

    public static UserErrorException BadArchive(FileBytes file, string why) =>
        At(file, $"This zip archive is not one that PyTorch writes: {why}.");

    public static UserErrorException NoWeights(FileBytes file, string found) =>
        At(
            file,
            $"No dictionary of tensors was found. The file holds {found}."
                + (
                    found.Contains("(an object of ", StringComparison.Ordinal)
                        ? " A whole Python object can't be read here, nor was anything executed; if you trust the file, open it in "
                            + "Python and save the weights alone: torch.save(model.state_dict(), …)."
                        : ""
                )
        );

    public static UserErrorException NoSuchPart(FileBytes file, string part, IEnumerable<string> known)
    {
        var names = known.ToList();
        return At(
            file,
            $"The file has no dictionary of tensors called \"{part}\". "
                + (names.Count == 0 ? "It has none at all." : $"It has: {string.Join(", ", names)}.")
        );
    }

    public static UserErrorException BadIndex(FileBytes file, string why) =>
        At(
            file,
            $"This is no index of weights in several files: {why}. Expected: {{ \"weight_map\": {{ \"TENSOR\": "
                + $"\"model-00001-of-00002.safetensors\", … }} }}."
        );

    public static UserErrorException ShardsMissing(FileBytes file, IReadOnlyList<string> missing, int all) =>
        At(
            file,
            $"{missing.Count} of the {all} files that it names {(missing.Count == 1 ? "is" : "are")} not beside it: "
                + $"{Some(missing.Select(PyTorch.PickleText.Clip))}. Download {(missing.Count == 1 ? "it" : "them")} into the same folder."
        );

    public static UserErrorException NotInShard(FileBytes file, string tensor, string shard) =>
        At(
            file,
            $"{PyTorch.PickleText.Clip(tensor)} should be in {PyTorch.PickleText.Clip(shard)}, which doesn't have it. Index and files "
                + $"don't belong together; download all of them again."
        );

    public static UserErrorException SeveralParts(FileBytes file, IEnumerable<string> names) =>
        At(
            file,
            $"The file holds several dictionaries of tensors: {string.Join(", ", names)}. Name one with \"part\".",
            new Advice("Name one with \"part\"", "part")
        );

    public static UserErrorException SeveralPlaces(string path, string first, string second) =>
        new(
            $"{path}\n  The model fits two places of the file equally well: under \"{first}\" and under \"{second}\". Name one with "
                + $"\"prefix\".",
            new Advice("Name one with \"prefix\"", "prefix")
        );

    /// <summary>How the other weights of a file are taken.</summary>
    public static string OtherWeights(WeightChoice taken) =>
        taken == WeightChoice.Averaged
            ? "For the others: init.weights \"trained\", or tools/test --weights trained."
            : "For the average: init.weights \"averaged\", or tools/test --weights averaged.";

    public static UserErrorException CannotSave(string path, Exception error, long needed) =>
        new(
            $"{path}\n  "
                + (
                    error is IOException full && AtomicFile.IsFull(full)
                        ? $"The disk is full: the file needs about {Sizes.Text(needed)}."
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
            lines.Add($"  {wrong.Count} of another shape: {Some(wrong.Select(w => $"{w.Name} is {w.Found}, the model's {w.Expected}"))}");
        if (missing.Count > 0)
            lines.Add($"  {missing.Count} missing: {Some(missing)}");
        if (unexpected.Count > 0)
            lines.Add($"  {unexpected.Count} that the model doesn't have: {Some(unexpected)}");
        return new(string.Join("\n", lines));
    }

    public static UserErrorException OtherClasses(string path, IReadOnlyList<string> saved, IReadOnlyList<string> data)
    {
        if (saved.Count != data.Count)
            return new($"{path}\n  The checkpoint knows {saved.Count} classes ({Some(saved)}), the data has {data.Count} ({Some(data)}).");
        var first = Enumerable.Range(0, saved.Count).First(i => saved[i] != data[i]);
        const string inOrder = "init.match_classes \"in_order\"";
        return new(
            $"{path}\n  The checkpoint's classes are others than the data's: class {first} is \"{saved[first]}\" there and "
                + $"\"{data[first]}\" here"
                + (
                    saved.Order(StringComparer.Ordinal).SequenceEqual(data.Order(StringComparer.Ordinal))
                        ? "; the names are the same, their order is not."
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

    public static UserErrorException NothingFits(
        string path,
        IReadOnlyDictionary<string, TorchSharp.torch.Tensor> target,
        WeightsFile file,
        string module,
        IReadOnlyList<string> maps
    ) =>
        new(
            $"{path}\n  Nothing in the file fits {module}.\n  The file has: "
                + $"{Some(file.Tensors.Values.Select(t => $"{t.Name} {WeightInfo.ShapeText(t.Shape)}"))}."
                + $"\n  {module} has: {Some(target.Select(t => $"{t.Key} {WeightInfo.ShapeText(t.Value.shape)}"))}."
                + $"\n  Key maps tried: {string.Join(", ", maps.Append("own"))}. Others can be given with \"prefix\" and "
                + "\"key_map\".",
            new Advice("Others can be given with \"prefix\" and \"key_map\"", "prefix", "key_map")
        );

    public static UserErrorException NotComplete(string path, IReadOnlyList<string> table, string read) =>
        new(
            $"{path}\n  The weights and the model don't match:\n    {string.Join("\n    ", table)}"
                + $"\n  They were read as {read}. Other names are told by \"keys\", \"prefix\" and \"key_map\".",
            new Advice("Other names are told by \"keys\", \"prefix\" and \"key_map\"", "keys", "prefix", "key_map")
        );

    public static UserErrorException ClassCount(string path, long found, long expected) =>
        new($"{path}\n  The file's classifier has {found} classes, the data {expected}.");

    public static UserErrorException NoStem(string path) =>
        new($"{path}\n  \"input_mode\" is \"bgr\", but no convolution over 3 channels was loaded whose channels could be swapped.");

    public static UserErrorException BadPattern(System.Text.RegularExpressions.RegexParseException error) =>
        new($"A pattern of key_map or skip is no regular expression: {error.Message}", error);

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

    internal static string Some(IEnumerable<string> names)
    {
        var list = names.ToList();
        return string.Join(", ", list.Take(5)) + (list.Count > 5 ? $" and {list.Count - 5} more" : "");
    }

    private static UserErrorException At(FileBytes file, string message, params Advice[] advice) =>
        new($"{file.Path}\n  {message}", advice);

    private static string Nearby(string path)
    {
        try
        {
            var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
            if (folder is null || !Directory.Exists(folder))
                return folder is null ? "" : "Nor is there a folder " + folder + ".";
            var near = NearestName.Find(
                System.IO.Path.GetFileName(path),
                Directory.EnumerateFiles(folder).Take(1000).Select(f => System.IO.Path.GetFileName(f)!)
            );
            return near is null ? "" : $"Did you mean {near}?";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }
}
