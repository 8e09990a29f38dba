using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Framework.Running;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>Builds what the section <c>distill</c> of a config describes.</summary>
internal static class Teaching
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <param name="owned">Disposes of the teacher and of what compares the two.</param>
    /// <returns>null where the config has no such section.</returns>
    /// <exception cref="UserErrorException">There is no such teacher, or it can't teach the model.</exception>
    public static Distiller? Begin(Session session, DisposalStack owned)
    {
        if (session.Options.Distill is not { } options)
            return null;
        var data = session.Data[DataPart.Train].Info;
        var school = Open(session, options.Teacher, data, owned);
        var model = school.Model;
        var teacher = new Teacher(model, school.TrainedOn ?? data) { Adjust = Adjustment(session, school, owned) };
        var distiller = owned.Add(
            new Distiller(session.Model, data, teacher, options.Losses.BuildAll(session.Services), options.OwnWeight)
        );
        s_log.LogInformation(
            "Learns from {0}: {1} with {2:N0} parameters{3}; compares {4}.",
            options.Teacher,
            model.GetName(),
            model.parameters().Sum(parameter => parameter.numel()),
            teacher.Adjust is null ? "" : ", whose images are normalised otherwise (adjusted)",
            string.Join(", ", options.Losses.Where(loss => loss.Value is not null).Select(loss => $"{loss.Key} ({loss.Value!.TypeName})"))
        );
        return distiller;
    }

    private static Session Open(Session student, string path, DataInfo data, DisposalStack owned)
    {
        var file = Directory.Exists(path)
            ? WorkFolder.CheckpointOf(path)
                ?? throw new UserErrorException(
                    $"distill.teacher: the folder {path} holds no checkpoint. Train the teacher first, or name its checkpoint."
                )
            : path;
        if (!File.Exists(file))
            throw new UserErrorException(
                $"distill.teacher: there is no file {path} (paths are relative to the working directory). Name a checkpoint or a work "
                    + "dir of a trained model, or a config whose model has initial weights."
            );
        var settings = new SessionOptions { Device = student.Device.ToString(), Plugins = student.Options.Plugins ?? [] };
        if (Checkpoint.IsCheckpoint(file))
            return owned.Add(Session.OfCheckpoint(file, settings));
        if (!IsConfig(file))
            throw new UserErrorException($"distill.teacher: {path} is neither a checkpoint of Tessera's nor a config (.json).");
        var school = owned.Add(Session.Open(file, settings with { Plugins = [] }));
        if (ModelInitialization.SourceOf(school.MakeModel(data)) is null)
            throw new UserErrorException(
                $"distill.teacher: the model of {path} has no initial weights (model.init or model.backbone.init), so it knows nothing to "
                    + "teach. Name a checkpoint of it."
            );
        return school;
    }

    private static bool IsConfig(string file) => Path.GetExtension(file).ToUpperInvariant() is ".JSON" or ".JSONC";

    /// <summary>From the student's images to the teacher's, which are other linear functions of the same pixels.</summary>
    private static Func<Tensor, Tensor>? Adjustment(Session student, Session teacher, DisposalStack owned)
    {
        var (channels, taught) = (ChannelsOf(student.Model), ChannelsOf(teacher.Model));
        if (channels != taught)
            throw new UserErrorException($"distill.teacher reads images of {taught} channels, the model of {channels}.");
        var (own, others) = (PipelineNormalization.Find(student, channels), PipelineNormalization.Find(teacher, channels));
        if (own is null && others is null)
            return null;
        if (own is null || others is null)
        {
            var (without, with) = own is null ? ("the model", "the teacher") : ("the teacher", "the model");
            throw new UserErrorException(
                $"distill.teacher: the pipeline of {with} has a Normalize step, that of {without} has none, so it is unknown how the "
                    + "images of one become the other's. Give both pipelines a Normalize step."
            );
        }
        var reverse = own.ReverseChannels != others.ReverseChannels;
        if (!reverse && Channels(own.Mean).SequenceEqual(Channels(others.Mean)) && Channels(own.Std).SequenceEqual(Channels(others.Std)))
            return null;
        // x_t = (x_s · std_s + mean_s - mean_t) / std_t, in the teacher's order of channels
        var (mean, std) = (Channels(own.Mean, reverse), Channels(own.Std, reverse));
        var factor = owned.Add(Vector(std.Zip(Channels(others.Std), (s, t) => s / t)));
        var offset = owned.Add(
            Vector(mean.Zip(Channels(others.Mean), (s, t) => s - t).Zip(Channels(others.Std), (difference, t) => difference / t))
        );
        return images => (reverse ? images.flip(1) : images) * factor + offset;

        Tensor Vector(IEnumerable<float> values) =>
            tensor(values.ToArray()).view(1, channels, 1, 1).to(student.Device).DetachFromDisposeScope();

        IEnumerable<float> Channels(float[] values, bool reversed = false)
        {
            var all = values.Length == 1 ? Enumerable.Repeat(values[0], channels) : values;
            return reversed ? all.Reverse() : all;
        }
    }

    /// <summary>Of the images that a model reads; 3 where its backbone doesn't say.</summary>
    private static int ChannelsOf(VisionModel model)
    {
        const int rgb = 3;
        var (name, backbone) = model.Having<Backbone>().FirstOrDefault();
        if (backbone?.StemTensors.FirstOrDefault(tensor => tensor.Role == StemRole.Weight) is not { } stem)
            return rgb;
        var weight = model.named_parameters().FirstOrDefault(entry => entry.name == $"{name}.{stem.Name}").parameter;
        return weight is null || weight.dim() < 2 ? rgb : (int)weight.shape[1] / (stem.Inner * stem.Outer);
    }
}
