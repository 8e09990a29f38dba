using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch;
using Tessera.Torch.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>
/// A config, or a checkpoint, and what it describes: services, device, precision, process group, data sets, loaders and model. Each is
/// made when it is first asked for and kept; all are disposed in the reverse order. <see cref="Runner"/>, <see cref="Predictor"/> and
/// the tools stand on it.
/// </summary>
/// <example><code>
/// using var session = Session.Open("configs/resnet/resnet-small_shapes.json", new() { Device = "cpu" });
/// Console.WriteLine($"{session.Data[DataPart.Train].Count} images, {session.Model.parameters().Count()} tensors");
/// </code></example>
public sealed class Session : IDisposable
{
    private readonly DisposalStack _owned = new();
    private readonly ConfigDocument _given;
    private readonly SessionOptions _settings;
    private Checkpoint? _checkpoint;
    private Device? _device;
    private PrecisionChoice? _precision;
    private VisionModel? _model;
    private bool _channelsLast,
        _started;

    private Session(string name, ConfigDocument document, SessionOptions settings, bool isCheckpoints)
    {
        (Name, _given, _settings) = (name, document, settings);
        (Document, Options) = (document, null!);
        var services = Composition.Services(document, settings.Note);
        services.AddSingleton(_ => Document); // with what is filled in below
        services.AddSingleton(this); // disposed by its owner, not by the services
        Services = _owned.Add(services.BuildServiceProvider());
        Data = new SessionData(this, _owned);
        try
        {
            Read(isCheckpoints ? EarlierDefaults.OfCheckpoint(document, Components) : EarlierDefaults.Stated(document, Components));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The config file or the checkpoint, as it was named; "config" for a document without a file.</summary>
    public string Name { get; }

    /// <summary>The config. Options whose defaults have changed are written out.</summary>
    public ConfigDocument Document { get; private set; }

    /// <summary>The config as it was given, without what is filled in.</summary>
    internal ConfigDocument Given => _given;

    /// <summary>The config, read.</summary>
    public RunOptions Options { get; private set; }

    /// <summary>Components, their builder, and what components ask for.</summary>
    public IServiceProvider Services { get; }

    /// <summary>Data sets, loaders and metrics.</summary>
    public SessionData Data { get; }

    /// <summary>The classes that a checkpoint's model was trained on; null where the session was opened from a config.</summary>
    public DataInfo? TrainedOn { get; private init; }

    /// <summary>The processes that work together: this one alone, unless <see cref="JoinProcesses"/> was called.</summary>
    public IProcessGroup Group { get; private set; } = new SingleProcess();

    /// <summary>Where it is computed.</summary>
    /// <exception cref="UserErrorException">There is no such device.</exception>
    public Device Device
    {
        get
        {
            StartTensorLibrary();
            return _device ??= DeviceChoice.Resolve(_settings.Device ?? Options.Device);
        }
    }

    /// <summary>What it is computed in.</summary>
    public PrecisionChoice Precision => _precision ??= PrecisionChoice.Resolve(_settings.Precision ?? Options.Precision, Device.type);

    /// <summary>
    /// The model, on the device. Of a checkpoint: with its weights, in evaluation mode. Of a config: for the classes of its data, its
    /// weights initialised as the config says.
    /// </summary>
    /// <exception cref="UserErrorException">The model doesn't fit the data, or the weights don't fit the model.</exception>
    public VisionModel Model => _model ?? MakeModel(TrainedOn ?? Data[Data.FirstPart].Info);

    /// <summary>Whether the model's images lie channels last in memory.</summary>
    public bool ChannelsLast => Model is not null && _channelsLast;

    /// <summary>Opens a config file.</summary>
    /// <exception cref="UserErrorException">Anything is wrong with the config; every mistake is told.</exception>
    public static Session Open(string config, SessionOptions? options = null)
    {
        options ??= new SessionOptions();
        return Open(ConfigDocument.Load(config, options.Overrides), options, config);
    }

    /// <summary>Opens a config that was read already; overrides are those it was read with.</summary>
    /// <exception cref="UserErrorException">Anything is wrong with the config; every mistake is told.</exception>
    public static Session Open(ConfigDocument document, SessionOptions? options = null) =>
        Open(document, options ?? new SessionOptions(), document.Path is { } path ? SourceLocation.Display(path) : "config");

    /// <summary>Opens a checkpoint of a training run, which carries everything: config, weights, class names.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that the options don't
    /// name.</exception>
    public static Session OfCheckpoint(string path, SessionOptions? options = null) => OfCheckpoint(Checkpoint.Open(path), options);

    /// <summary>The same of a checkpoint that is open already; the session takes it over.</summary>
    /// <exception cref="UserErrorException">It needs a plugin that the options don't name.</exception>
    public static Session OfCheckpoint(Checkpoint checkpoint, SessionOptions? options = null)
    {
        try
        {
            var session = OfRun(checkpoint.Info, checkpoint.Path, options);
            session._checkpoint = session._owned.Add(checkpoint);
            return session;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Makes what owns the session from now on; where that fails, the session is disposed of.</summary>
    internal T HandOver<T>(Func<Session, T> make)
    {
        try
        {
            return make(this);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens what a file of a run says of it: config and classes, without weights.</summary>
    /// <param name="path">Of the file, for messages.</param>
    /// <exception cref="UserErrorException">The config can't be read here, or needs a plugin that the options don't name.</exception>
    public static Session OfRun(CheckpointInfo run, string path, SessionOptions? options = null)
    {
        options ??= new SessionOptions();
        var document = ConfigDocument.FromCheckpoint(SavedConfig.ForModel(run.Config), path, options.Overrides, options.Plugins);
        return new Session(path, document, options, isCheckpoints: true) { TrainedOn = run.Data };
    }

    /// <summary>From now on, options that the config leaves out are as the checkpoint was trained with. To be called before anything is
    /// built.</summary>
    /// <param name="note">Told which options are not at their present defaults.</param>
    public void GoOnFrom(CheckpointInfo checkpoint, Action<string> note) =>
        Read(EarlierDefaults.With(_given, Components, checkpoint.Config, note));

    /// <summary>Joins the processes that the environment names (MPI, torchrun), if any.</summary>
    public void JoinProcesses() => Group = _owned.Add(ProcessGroups.FromEnvironment(Device));

    /// <summary>Seeds the tensor library with the config's <c>seed</c>, on every device.</summary>
    public void SeedTensorLibrary()
    {
        manual_seed(Options.Seed);
        if (Device.type == DeviceType.CUDA)
            cuda.manual_seed_all(Options.Seed);
    }

    /// <summary>Makes the session's model for other classes than those of the config's first data set.</summary>
    /// <exception cref="InvalidOperationException">The session has its model already.</exception>
    public VisionModel MakeModel(DataInfo data)
    {
        if (_model is not null)
            throw new InvalidOperationException("The session has its model already; CreateModel makes further ones.");
        var model = _checkpoint is { } checkpoint ? Load(checkpoint) : _owned.Add(CreateInitializedModel(data));
        _channelsLast = Place(model);
        return _model = model;
    }

    /// <summary>A new model for these classes, its weights random, on the CPU; the caller's to dispose.</summary>
    public VisionModel CreateModel(DataInfo data) => Make(data, null);

    /// <summary>A new model to load a checkpoint into: with the initial weights that the config says where the checkpoint holds only what
    /// was trained on top of them.</summary>
    /// <param name="saved">What the checkpoint says of itself.</param>
    /// <param name="path">Of the checkpoint: the file of the first weights may have come along with it.</param>
    public VisionModel CreateModel(CheckpointInfo saved, string path, DataInfo data) =>
        Make(data, saved.Base is null ? null : new InitContext(data, Beside: Path.GetDirectoryName(Path.GetFullPath(path))));

    /// <summary>A new model with the initial weights that the config says.</summary>
    public VisionModel CreateInitializedModel(DataInfo data) => Make(data, new InitContext(data));

    /// <summary>Moves a model to the session's device, its weights laid out in memory as its images are to be.</summary>
    /// <returns>Whether the images are to lie channels last.</returns>
    public bool Place(VisionModel model)
    {
        model.to(Device);
        var channelsLast = MemoryLayout.IsChannelsLast(Options.ChannelsLast, model, Device, Precision);
        if (channelsLast)
            model.ToChannelsLast();
        return channelsLast;
    }

    /// <summary>Moves a batch to the session's device, its images laid out as the model's are.</summary>
    public void Place(Batch batch)
    {
        batch.To(Device);
        if (ChannelsLast)
            batch.ToChannelsLast();
    }

    public void Dispose() => _owned.Dispose();

    private static Session Open(ConfigDocument document, SessionOptions options, string name)
    {
        var session = new Session(name, document, options, isCheckpoints: false);
        try
        {
            if (options.Weights is { } path && File.Exists(path) && Checkpoint.IsCheckpoint(path))
            {
                using var checkpoint = Checkpoint.Open(path);
                session.GoOnFrom(checkpoint.Info, options.Note ?? (_ => { }));
            }
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private VisionModel Make(DataInfo data, InitContext? initial)
    {
        StartTensorLibrary();
        return FreshModel.Make(Options.Model, Services, data, initial);
    }

    internal void Read(ConfigDocument document) => (Document, Options) = (document, Components.Bind<RunOptions>(document));

    private VisionModel Load(Checkpoint checkpoint)
    {
        var model = _owned.Add(CreateModel(checkpoint.Info, checkpoint.Path, checkpoint.Info.Data));
        checkpoint.LoadModel(model, _settings.Averaged, checkpoint.Info.Config);
        checkpoint.Dispose(); // its file may be replaced
        model.eval();
        return model;
    }

    private ComponentBuilder Components => Services.GetRequiredService<ComponentBuilder>();

    private void StartTensorLibrary()
    {
        if (_started)
            return;
        Threads.Set(Options.Threads); // a checkpoint's are not kept: they were the training machine's
        _started = true;
    }
}
