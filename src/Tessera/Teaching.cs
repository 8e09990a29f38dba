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
    private const int Rgb = 3;

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
        var distiller = owned.Add(new Distiller(session.Model, data, teacher, options.Losses.BuildAll(session.Services), options.OwnWeight));
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
                ?? throw new UserErrorException($"distill.teacher: the folder {path} holds no checkpoint. Train the teacher first, or name its checkpoint.")
            : path;
        if (!File.Exists(file))
            throw new UserErrorException(
                $"distill.teacher: there is no file {path} (paths are relative to the working directory). Name a checkpoint or a work dir of a "
                    + "trained model, or a config whose model has initial weights."
            );
        var settings = new SessionOptions { Device = student.Device.ToString(), Plugins = student.Options.Plugins ?? [] };
        if (Checkpoint.IsCheckpoint(file))
            return owned.Add(Session.OfCheckpoint(file, settings));
        if (!IsConfig(file))
            throw new UserErrorException($"distill.teacher: {path} is neither a checkpoint of Tessera's nor a config (.json).");
        var school = owned.Add(Session.Open(file, settings with { Plugins = [] }));
        if (ModelInitialization.SourceOf(school.MakeModel(data)) is null)
            throw new UserErrorException(
                $"distill.teacher: the model of {path} has no initial weights (model.init or model.backbone.init), so it knows nothing to teach. "
                    + "Name a checkpoint of it."
            );
        return school;
    }

    private static bool IsConfig(string file) => Path.GetExtension(file).ToUpperInvariant() is ".JSON" or ".JSONC";

    /// <summary>From the student's images to the teacher's, which are other linear functions of the same pixels.</summary>
    private static Func<Tensor, Tensor>? Adjustment(Session student, Session teacher, DisposalStack owned)
    {
        var (own, others) = (PipelineNormalization.Find(student, Rgb), PipelineNormalization.Find(teacher, Rgb));
        if (own is null || others is null)
        {
            if (own is null && others is null)
                return null;
            var (without, with) = own is null ? ("the model", "the teacher") : ("the teacher", "the model");
            throw new UserErrorException(
                $"distill.teacher: the pipeline of {with} has a Normalize step, that of {without} has none, so it is unknown how the images of "
                    + "one become the other's. Give both pipelines a Normalize step."
            );
        }
        var reverse = own.ReverseChannels != others.ReverseChannels;
        if (!reverse && own.Mean.SequenceEqual(others.Mean) && own.Std.SequenceEqual(others.Std))
            return null;
        if (own.Mean.Length != 1 && own.Mean.Length != Rgb || others.Mean.Length != 1 && others.Mean.Length != Rgb)
            throw new UserErrorException("distill.teacher: images of other than 3 channels are normalised otherwise by the teacher's pipeline, which is not adjusted. Normalise them alike.");
        // x_t = (x_s · std_s + mean_s - mean_t) / std_t, in the teacher's order of channels
        var (mean, std) = (Channels(own.Mean, reverse), Channels(own.Std, reverse));
        var (meanTeacher, stdTeacher) = (Channels(others.Mean, false), Channels(others.Std, false));
        var factor = owned.Add(Vector([.. std.Zip(stdTeacher, (s, t) => s / t)]));
        var offset = owned.Add(Vector([.. mean.Zip(meanTeacher, (s, t) => s - t).Zip(stdTeacher, (d, t) => d / t)]));
        return images =>
        {
            if (images.shape[1] != Rgb)
                throw new UserErrorException($"distill.teacher: it normalises images otherwise, which is adjusted for 3 channels; these have {images.shape[1]}.");
            var ordered = reverse ? images.flip(1) : images;
            return ordered * factor + offset;
        };

        Tensor Vector(float[] values) => tensor(values).view(1, Rgb, 1, 1).to(student.Device).DetachFromDisposeScope();

        static float[] Channels(float[] values, bool reversed)
        {
            float[] all = values.Length == 1 ? [values[0], values[0], values[0]] : [.. values];
            return reversed ? [.. all.Reverse()] : all;
        }
    }
}
