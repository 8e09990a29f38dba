using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Tools.Output;
using static TorchSharp.torch;

namespace Tessera.Tools.Ensembles;

/// <summary>A checkpoint's model, and how it is shown images.</summary>
internal sealed class EnsembleMember : IDisposable
{
    private readonly Session? _own; // of a checkpoint of another architecture than the config's
    private readonly Func<VisionModel> _create;
    private readonly Session _places;

    private EnsembleMember(string name, CheckpointInfo info, ClassOrder? order, Session places, Session? own, Func<VisionModel> create)
    {
        (Name, Info, Order, _places, _own, _create) = (name, info, order, places, own, create);
        Model = create();
    }

    /// <summary>As it is shown: the checkpoint's path.</summary>
    public string Name { get; }

    public CheckpointInfo Info { get; }

    public VisionModel Model { get; }

    /// <summary>Brings its predictions into the data's order of classes; null where that is its own.</summary>
    public ClassOrder? Order { get; }

    public bool ChannelsLast { get; private set; }

    /// <summary>How images become its input; null: as the config says.</summary>
    public IReadOnlyList<Transform>? Pipeline { get; private set; }

    /// <param name="session">The config's. A checkpoint of its architecture is used as that says, any other as its own does.</param>
    /// <param name="plugins">That a checkpoint of another architecture needs.</param>
    /// <exception cref="UserErrorException">No checkpoint, or of other classes.</exception>
    public static EnsembleMember Open(string path, Session session, DataInfo data, bool averaged, IReadOnlyList<string> plugins)
    {
        using var checkpoint = OpenCheckpoint(path);
        var order = ClassOrder.Between(checkpoint.Info.Data, data);
        if (order is null)
            checkpoint.RequireClasses(data);
        var trainedOn = order is null ? data : checkpoint.Info.Data;
        var isConfigs = IsConfigs(checkpoint, session, trainedOn, averaged);
        var own = isConfigs
            ? null
            : Session.OfRun(
                checkpoint.Info,
                path,
                new SessionOptions
                {
                    Device = session.Device.ToString(),
                    Plugins = plugins,
                    Note = ToolConsole.Current.Note,
                }
            );
        try
        {
            var member = new EnsembleMember(path, checkpoint.Info, order, session, own, () => (own ?? session).CreateModel(trainedOn));
            checkpoint.LoadModel(member.Model, averaged, session.Document);
            member.Pipeline = own is null ? null : PredictionPipeline.Build(own);
            member.Place();
            var how = own is null ? "" : "; of another architecture than the config's, so its images are prepared as it says itself";
            ToolConsole.Current.Note($"{path}: epoch {checkpoint.Info.Epoch}, iteration {checkpoint.Info.Iteration}{how}");
            return member;
        }
        catch
        {
            own?.Dispose();
            throw;
        }
    }

    /// <summary>The same network with other weights, which owns nothing of this one but its session.</summary>
    public EnsembleMember With(string name, IReadOnlyDictionary<string, Tensor> weights)
    {
        var twin = new EnsembleMember(name, Info, Order, _places, null, _create) { Pipeline = Pipeline };
        using (no_grad())
            foreach (var (key, tensor) in twin.Model.state_dict())
                tensor.copy_(weights[key]);
        twin.Place();
        return twin;
    }

    public static Checkpoint OpenCheckpoint(string path) =>
        !File.Exists(path) ? throw new UserErrorException($"{path}: there is no such file.")
        : Checkpoint.IsCheckpoint(path) ? Checkpoint.Open(path)
        : throw new UserErrorException(
            $"{path}: this is no checkpoint of tools/train. Members say themselves what classes they know, which published weights don't."
        );

    public void Dispose()
    {
        Model.Dispose();
        _own?.Dispose();
    }

    private void Place()
    {
        ChannelsLast = _places.Place(Model);
        Model.eval();
    }

    /// <summary>Whether the config's model takes the checkpoint's weights.</summary>
    private static bool IsConfigs(Checkpoint checkpoint, Session session, DataInfo data, bool averaged)
    {
        using var model = session.CreateModel(data);
        var (target, names) = (model.state_dict(), checkpoint.ModelNames(averaged));
        return target.Count == names.Count
            && target.All(entry =>
                names.TryGetValue(entry.Key, out var full) && entry.Value.shape.SequenceEqual(checkpoint.Tensors[full].Shape)
            );
    }
}
