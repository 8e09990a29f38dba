using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Heads;
using Tessera.Models.TaskModels;

namespace Tessera.Tests.Models.Detection;

public sealed class L1LossHookTests
{
    [Fact]
    public void LossIsAdded_InTheLastEpochsAlone()
    {
        using var model = Of("""{ "type": "YoloxHead", "stacked_convs": 1 }""");
        using var batch = Scene();
        var hook = new L1LossHook(new(LastEpochs: 2));
        var added = new List<bool>();
        for (var epoch = 0; epoch < 4; epoch++)
        {
            var progress = new Progress(epoch, 4, epoch, 4);
            using var run = new RunState { Model = model, Progress = progress };
            if (epoch == 0)
                hook.BeforeRun(run);
            hook.BeforeEpoch(run);
            added.Add(model.Loss(batch, progress).ContainsKey("loss_l1"));
        }
        Assert.Equal([false, false, true, true], added);
    }

    [Fact]
    public void AModelWithoutSuchAHead_IsAMistake()
    {
        using var model = Of("""{ "type": "FcosHead", "stacked_convs": 1 }""");
        using var run = new RunState { Model = model, Progress = new Progress(0, 4, 0, 4) };
        var said = Assert.Throws<UserErrorException>(() => new L1LossHook(new(1)).BeforeRun(run)).Message;
        Assert.Contains("Detector has no head that adds an L1 loss (use_l1); YoloxHead is one", said, StringComparison.Ordinal);
    }

    private static Detector Of(string head) =>
        Build.From<Detector>(
            $$"""
            { "type": "Detector",
              "backbone": { "type": "ResNet", "depth": 18, "stage_blocks": [1, 1], "strides": [1, 2], "base_channels": 8 },
              "neck": { "type": "Fpn", "out_channels": 16 }, "bbox_head": {{head}} }
            """,
            Build.Classes(3, DataTask.Detection)
        );

    private static Batch Scene() =>
        new()
        {
            Images = Formula.Values("images", 1, 3, 64, 64),
            Samples =
            [
                new Sample
                {
                    Index = 0,
                    Name = "scene",
                    Truth = { Boxes = new Boxes([8, 8, 40, 40], [1], [false]) },
                },
            ],
        };
}
