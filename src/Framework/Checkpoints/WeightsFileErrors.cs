namespace Tessera.Framework.Checkpoints;

/// <summary>Words every mistake about a file of weights itself, once: it is missing, damaged, of another kind, or made to
/// mislead.</summary>
internal static class WeightsFileErrors
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

    public static UserErrorException Damaged(FileBytes file, string why) => At(file, $"The file is damaged: {why.TrimEnd('.')}.");

    public static UserErrorException OneOfSeveral(string path, string part, string parts)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var index = Directory.EnumerateFiles(folder, "*.index.json").Order(StringComparer.Ordinal).FirstOrDefault();
        return new(
            $"{path}\n  By its name this is file {part} of {parts}, which together hold the weights. "
                + (
                    index is null
                        ? "Their index (such as model.safetensors.index.json) must lie beside them, and is what a config names."
                        : $"Name their index: {Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileName(index))}."
                )
        );
    }

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
