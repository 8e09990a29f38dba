using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>A checkpoint that Tessera wrote, opened for reading. Tensors are read when asked for.</summary>
public sealed class Checkpoint : IDisposable
{
    internal const string InfoKey = "tessera";
    private const string ValuesKey = "state";

    private readonly SafetensorsFile _file;
    private readonly List<Tensor> _read = [];

    private Checkpoint(SafetensorsFile file, CheckpointInfo info) => (_file, Info) = (file, info);

    public string Path => _file.Path;

    public CheckpointInfo Info { get; }

    /// <summary>The tensors' full names, types and shapes.</summary>
    public IReadOnlyDictionary<string, WeightInfo> Tensors => _file.Tensors;

    /// <summary>Whether the file carries averaged weights.</summary>
    public bool HasAveraged => AveragedPrefix() is not null;

    /// <summary>Opens a checkpoint and checks its content hash.</summary>
    /// <exception cref="UserErrorException">Not a checkpoint of Tessera's, truncated, or changed since it was written.</exception>
    public static Checkpoint Open(string path)
    {
        if (!IsSafetensors(path))
            throw CheckpointErrors.NotACheckpoint(path);
        var file = SafetensorsFile.OpenPath(path);
        try
        {
            if (!file.Metadata.TryGetValue(InfoKey, out var json))
                throw CheckpointErrors.NotACheckpoint(path);
            if (file.SealIsIntact() != true)
                throw CheckpointErrors.Altered(path);
            return new Checkpoint(file, CheckpointInfo.FromJson(json, path));
        }
        catch (Exception error)
        {
            file.Dispose();
            if (CheckpointHeader.IsMalformed(error))
                throw CheckpointErrors.BadInfo(path, error);
            throw;
        }
    }

    /// <summary>Whether the file is a checkpoint that Tessera wrote, rather than foreign weights. Reads the header only.</summary>
    /// <exception cref="UserErrorException">There is no such file, or it is damaged.</exception>
    public static bool IsCheckpoint(string path)
    {
        if (!IsSafetensors(path))
            return false;
        using var file = SafetensorsFile.OpenPath(path);
        return file.Metadata.ContainsKey(InfoKey);
    }

    /// <summary>Everything, on the CPU, for resuming. The tensors live as long as this object.</summary>
    public StateReader ReadState()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var name in _file.Tensors.Keys)
        {
            var tensor = _file.Read(name).DetachFromDisposeScope();
            _read.Add(tensor);
            tensors[name] = tensor;
        }
        return new StateReader(tensors, JsonNode.Parse(_file.Metadata[ValuesKey])!.AsObject());
    }

    /// <summary>One of the small values of a run's state, by its full name; null where there is none.</summary>
    internal JsonNode? Value(string name) => JsonNode.Parse(_file.Metadata[ValuesKey])?[name];

    /// <summary>Reads a tensor by its full name; the caller owns it.</summary>
    public Tensor Read(string name) => _file.Read(name);

    /// <summary>Copies a tensor's bytes as they are.</summary>
    internal void CopyTo(string name, Stream stream) => _file.CopyTo(name, stream);

    internal IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>The model's tensors: the model's own name, and the full name under which to read it.</summary>
    /// <param name="averaged">The averaged ones where there are such.</param>
    public IReadOnlyDictionary<string, string> ModelNames(bool averaged = false)
    {
        const string prefix = CheckpointParts.Model + ".";
        var average = averaged ? AveragedPrefix() : null;
        return _file
            .Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(
                name => name[prefix.Length..],
                name =>
                    average is not null && _file.Tensors.ContainsKey(average + name[prefix.Length..])
                        ? average + name[prefix.Length..]
                        : name
            );
    }

    /// <summary>Fills the model, exactly: every tensor must be there and fit.</summary>
    /// <param name="averaged">Take the averaged weights where the file has them.</param>
    /// <param name="config">The config that built the model, for a message that says how it differs.</param>
    /// <exception cref="UserErrorException">The checkpoint is of another architecture; nothing was changed.</exception>
    public void LoadModel(VisionModel model, bool averaged = false, ConfigDocument? config = null)
    {
        RequireBase(model);
        var target = model.state_dict();
        var names = ModelNames(averaged);
        foreach (var name in Needed(model))
            target.Remove(name);
        var missing = target.Keys.Where(name => !names.ContainsKey(name)).ToList();
        var unexpected = names.Keys.Where(name => !target.ContainsKey(name)).ToList();
        var wrong = target
            .Where(pair => names.TryGetValue(pair.Key, out var full) && !pair.Value.shape.SequenceEqual(_file.Tensors[full].Shape))
            .Select(pair => (pair.Key, WeightInfo.ShapeText(pair.Value.shape), WeightInfo.ShapeText(_file.Tensors[names[pair.Key]].Shape)))
            .ToList();
        if (missing.Count + unexpected.Count + wrong.Count > 0)
        {
            var explained = wrong
                .Select(w => model.ExplainShape(w.Key, _file.Tensors[names[w.Key]].Shape))
                .FirstOrDefault(text => text is not null);
            throw CheckpointErrors.OtherArchitecture(
                Path,
                target.Count,
                missing,
                unexpected,
                wrong,
                $"{ModelSummary.Differences(Info.Config, config)} {explained}".Trim()
            );
        }

        using var nothing = no_grad();
        foreach (var (name, tensor) in target)
        {
            using var stored = _file.Read(names[name]);
            tensor.copy_(stored);
        }
    }

    /// <param name="byName">Names must agree, not only their number.</param>
    /// <exception cref="UserErrorException">The data's classes are others than the checkpoint's.</exception>
    public void RequireClasses(DataInfo data, bool byName = true)
    {
        if (byName ? !Info.Data.Classes.SequenceEqual(data.Classes) : Info.Data.Classes.Count != data.Classes.Count)
            throw CheckpointErrors.OtherClasses(Path, Info.Data.Classes, data.Classes);
        if (Info.Data.Task != data.Task)
            throw CheckpointErrors.OtherTask(Path, Info.Data.Task, data.Task);
    }

    /// <summary>The model's tensors that the checkpoint doesn't hold, since they were a file's.</summary>
    private IReadOnlyList<string> Needed(VisionModel model) =>
        Info.Base is null || model.Adaptation is not { } adaptation
            ? []
            : [.. adaptation.Base.Where(name => !_file.Tensors.ContainsKey($"{CheckpointParts.Model}.{name}"))];

    /// <summary>Whether a model holds the weights that the checkpoint was trained on top of and left out.</summary>
    /// <exception cref="UserErrorException">The model's are others.</exception>
    public void RequireBase(VisionModel model)
    {
        if (Info.Base is not { } needed)
            return;
        if (model.Adaptation is not { } adaptation)
            throw CheckpointErrors.AdapterAlone(Path, needed.Source);
        var found = adaptation.IdentityOf(Needed(model));
        if (found != needed.Sha256)
            throw CheckpointErrors.OtherBase(Path, needed, found);
    }

    /// <summary>Writes a checkpoint of a model alone, with nothing to resume from: all of its tensors but what parameter-efficient methods
    /// added.</summary>
    /// <exception cref="UserErrorException">The file can't be written.</exception>
    public static void WriteModel(string path, VisionModel model, CheckpointInfo info)
    {
        var state = new StateWriter();
        var target = state.Under(CheckpointParts.Model);
        foreach (var (name, tensor) in model.state_dict().Where(entry => !Adaptation.IsAdded(entry.Key)))
            target.Write(name, tensor);
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
            AtomicFile.Write(path, stream => Write(stream, state, info), Verify);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointErrors.CannotSave(
                path,
                error,
                state.Tensors.Values.Sum(tensor => tensor.NumberOfElements * tensor.ElementSize)
            );
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _read)
            tensor.Dispose();
        _read.Clear();
        _file.Dispose();
    }

    internal static void Write(Stream stream, StateWriter state, CheckpointInfo info) =>
        SafetensorsWriter.Write(
            stream,
            state.Tensors.Select(pair => WeightSource.From(pair.Key, pair.Value)),
            new Dictionary<string, string>
            {
                ["format"] = "pt", // the Python library's word for "PyTorch tensors"
                [InfoKey] = info.ToJson(),
                [ValuesKey] = state.Values.ToJsonString(),
            }
        );

    /// <summary>Reads a file that was just written back from the disk.</summary>
    /// <exception cref="IOException">It isn't what was written.</exception>
    internal static void Verify(string path)
    {
        try
        {
            using var file = SafetensorsFile.OpenPath(path);
            if (file.SealIsIntact() == true)
                return;
        }
        catch (UserErrorException error)
        {
            throw new IOException("what was written can't be read back: " + error.Message, error);
        }
        throw new IOException("what was written reads back differently.");
    }

    private static bool IsSafetensors(string path)
    {
        using var file = FileBytes.Open(path);
        Span<byte> start = stackalloc byte[512];
        start = start[..file.ReadUpTo(0, start)];
        return FileKinds.Detect(start, file.Length) == FileKind.Safetensors;
    }

    private string? AveragedPrefix() => CheckpointParts.AveragedPrefix(_file.Tensors.Keys);
}
