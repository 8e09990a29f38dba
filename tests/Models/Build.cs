using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>Components as a config would build them.</summary>
internal static class Build
{
    private static readonly ServiceProvider _services = new ServiceCollection()
        .AddComponents(typeof(ResNet).Assembly)
        .AddComponents(typeof(PretrainedInitializer).Assembly)
        .BuildServiceProvider();

    public static ComponentBuilder Builder => _services.GetRequiredService<ComponentBuilder>();

    public static ComponentRegistry Registry => _services.GetRequiredService<ComponentRegistry>();

    public static DataInfo Classes(int count, DataTask task = DataTask.Classification) =>
        new([.. Enumerable.Range(0, count).Select(i => $"class{i}")], task);

    public static T From<T>(string json, params object[] given)
        where T : class => Builder.Build<T>(json, given);

    /// <summary>A batch of images by formula, with labels 0, 1, 2 … of the given number of classes.</summary>
    public static Batch Batch(int count, int size, DataInfo info, int channels = 3)
    {
        var batch = new Batch
        {
            Images = Formula.Values("images", count, channels, size, size),
            Samples = [.. Enumerable.Range(0, count).Select(i => new Sample { Index = i, Name = $"sample{i}" })],
        };
        var classes = info.Classes.Count;
        if (info.Task == DataTask.Classification)
            batch.Labels = tensor([.. Enumerable.Range(0, count).Select(i => (long)i % classes)]);
        else if (info.Task == DataTask.MultiLabel)
            batch.SoftLabels = Formula.Values("labels", count * classes).gt(0).to(ScalarType.Float32).reshape(count, classes);
        else
            batch.Targets = Formula.Values("targets", count * classes).reshape(count, classes);
        return batch;
    }
}
