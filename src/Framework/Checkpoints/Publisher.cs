using System.Security.Cryptography;
using System.Text.Json;
using Tessera.Framework.Checkpoints.PyTorch;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;

namespace Tessera.Framework.Checkpoints;

/// <summary>What <see cref="Publisher.Publish"/> wrote.</summary>
/// <param name="Names">Whose names the tensors bear: "timm", "torchvision" … or "own".</param>
/// <param name="Averaged">Whether the averaged weights were taken.</param>
/// <param name="LeftOut">The model's tensors that have no name there.</param>
/// <param name="Sha256">Of the file, as <c>sha256sum</c> prints it.</param>
public sealed record Published(string Path, int Tensors, string Names, bool Averaged, IReadOnlyList<string> LeftOut, string Sha256);

/// <summary>Makes a file of weights alone from a checkpoint, in the names of the reference implementation.</summary>
public static class Publisher
{
    /// <summary>The names of the model's own modules.</summary>
    public const string Own = "own";

    /// <param name="output">
    /// A file (.safetensors, or .pth or .pt for <c>torch.load</c>); or a folder, or a path without extension: then the
    /// name ends in the first 8 digits of the file's SHA-256, as torchvision's do.
    /// </param>
    /// <param name="names">One of the model's key maps, or <see cref="Own"/>; null: the first that names every tensor, the reference
    /// implementation's as a rule; otherwise the model's own.</param>
    /// <param name="averaged">Take the averaged weights where the checkpoint has them.</param>
    public static Published Publish(string checkpoint, string output, string? names = null, bool averaged = true)
    {
        using var source = Checkpoint.Open(checkpoint);
        if (source.Info.Base is { } needed)
            throw CheckpointErrors.AdapterAlone(checkpoint, needed.Source);
        var maps = source.Info.PublishedNames;
        names ??= Reference(source, averaged) ?? Own;
        if (names != Own && !maps.ContainsKey(names))
            throw CheckpointErrors.NotPublishable(checkpoint, names, maps.Keys.Append(Own));

        var tensors = new List<WeightSource>();
        var leftOut = new List<string>();
        var workedIn = PublishedTensors.WorkedIn(source, names);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        // The maps list the tensors in the model's order, the file by their types.
        var order = maps
            .Values.SelectMany(map => map.Keys)
            .Distinct()
            .Select((name, index) => (name, index))
            .ToDictionary(pair => pair.name, pair => pair.index);
        foreach (var (own, full) in source.ModelNames(averaged).OrderBy(pair => order.GetValueOrDefault(pair.Key, int.MaxValue)))
        {
            var name = names == Own ? own : maps[names].GetValueOrDefault(own);
            if (name is null && !workedIn.Contains(own))
                leftOut.Add(own);
            else if (name is null)
                continue;
            else if (taken.Add(name))
                tensors.Add(
                    PublishedTensors.Of(source, names, own, name) is { } form
                        ? PublishedTensors.Changed(source, averaged, own, name, form)
                        : Source(source, full, name)
                );
            else
                throw CheckpointErrors.SameName(checkpoint, names, name);
            if (!IsFinite(source, full))
                throw CheckpointErrors.NotFinite(checkpoint, full);
        }

        var path = WithoutHash(output, checkpoint, out var wantsHash);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(path, stream => Write(stream, path, tensors, source, names));
            using var written = File.OpenRead(path);
            var hash = Convert.ToHexStringLower(SHA256.HashData(written));
            if (wantsHash)
            {
                var named = path[..^".safetensors".Length] + "-" + hash[..8] + ".safetensors";
                File.Move(path, named, overwrite: true);
                path = named;
            }
            return new Published(path, tensors.Count, names, averaged && source.HasAveraged, leftOut, hash);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointErrors.CannotSave(path, error, tensors.Sum(tensor => tensor.Info.Bytes));
        }
    }

    private static void Write(Stream stream, string path, List<WeightSource> tensors, Checkpoint source, string names)
    {
        switch (Path.GetExtension(path))
        {
            case ".pth" or ".pt":
                PyTorchWriter.Write(stream, tensors, source.Info.Data.Classes, names);
                break;
            case ".safetensors":
                SafetensorsWriter.Write(
                    stream,
                    tensors,
                    new Dictionary<string, string>
                    {
                        ["format"] = "pt",
                        [NamesKey] = names,
                        [TaskKey] = source.Info.Data.Task.ToString(),
                        [ClassesKey] = JsonSerializer.Serialize(source.Info.Data.Classes),
                    }
                );
                break;
            case var other:
                throw CheckpointErrors.UnknownOutput(path, other);
        }
    }

    /// <summary>Class names in a published file: a JSON array.</summary>
    internal const string ClassesKey = "classes";

    /// <summary>Whose names the tensors of a published file bear.</summary>
    internal const string NamesKey = "names";

    /// <summary>The task in a published file: the name of a <see cref="Data.DataTask"/>.</summary>
    internal const string TaskKey = "task";

    /// <summary>The first map that has a name for all of the model; null where none has.</summary>
    private static string? Reference(Checkpoint source, bool averaged)
    {
        var own = source.ModelNames(averaged).Keys;
        return source.Info.PublishedNames.FirstOrDefault(map => own.All(map.Value.ContainsKey)).Key;
    }

    private static bool IsFinite(Checkpoint checkpoint, string name)
    {
        using var tensor = checkpoint.Read(name);
        return FiniteState.Broken([KeyValuePair.Create(name, tensor)]).Count == 0;
    }

    private static WeightSource Source(Checkpoint checkpoint, string full, string name) =>
        new(checkpoint.Tensors[full] with { Name = name }, stream => checkpoint.CopyTo(full, stream));

    private static string WithoutHash(string output, string checkpoint, out bool wantsHash)
    {
        var isFolder = Directory.Exists(output) || output.EndsWith('/') || output.EndsWith(Path.DirectorySeparatorChar);
        wantsHash = isFolder || Path.GetExtension(output).Length == 0;
        // A work dir bears its config's name, which says more than epoch_12.
        var folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(checkpoint)));
        var stem = string.IsNullOrEmpty(folder) ? Path.GetFileNameWithoutExtension(checkpoint) : folder;
        return isFolder ? Path.Combine(output, stem + ".safetensors")
            : wantsHash ? output + ".safetensors"
            : output;
    }
}
