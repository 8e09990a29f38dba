namespace Tessera.Tests.Tools.Configs;

/// <summary>openseg's losses as bases: each makes a whole config with a small segmentor.</summary>
[Collection(InProcess.Name)]
public sealed class LossBaseTests
{
    private static readonly string Bases = Path.Combine(Snippets.Repository, "configs", "_base_");

    // What each name means in openseg and ContrastiveSeg: the terms of a step.
    private static readonly Dictionary<string, string[]> s_terms = new()
    {
        ["fs_ce_loss"] = ["decode.ce"],
        ["fs_auxce_loss"] = ["decode.ce", "aux.ce"],
        ["fs_ohemce_loss"] = ["decode.ce"],
        ["fs_auxohemce_loss"] = ["decode.ce", "aux.ce"],
        ["fs_ce_lovasz_loss"] = ["decode.ce", "decode.lovasz"],
        ["rmi_loss"] = ["decode.rmi"],
        ["fs_rmi_loss"] = ["decode.rmi"],
        ["fs_aux_rmi_loss"] = ["decode.rmi", "aux.ce"],
        ["contrast_ce_loss"] = ["decode.ce", "decode.contrast"],
        ["contrast_auxce_loss"] = ["decode.ce", "decode.contrast", "aux.ce"],
        ["mem_contrast_ce_loss"] = ["decode.ce", "decode.contrast"],
    };

    public static TheoryData<string> Names() => [.. Files()];

    private static IEnumerable<string> Files() =>
        Directory
            .EnumerateFiles(Path.Combine(Bases, "losses"), "*.json")
            .Select(path => Path.GetFileNameWithoutExtension(path))
            .Order(StringComparer.Ordinal);

    [Fact]
    public void Folder_HasOpensegsNames() => Assert.Equal(s_terms.Keys.Order(StringComparer.Ordinal), Files());

    [Theory]
    [MemberData(nameof(Names))]
    public void LossBase_WithASmallSegmentor_TrainsTwoIterations(string name)
    {
        var folder = Directory.CreateTempSubdirectory("tessera-losses").FullName;
        try
        {
            var path = Path.Combine(folder, "config.json");
            var auxiliary = s_terms[name].Contains("aux.ce")
                ? """, "auxiliary_head": { "type": "FcnHead", "in_index": 1, "channels": 8, "num_convs": 1 }"""
                : "";
            File.WriteAllText(
                path,
                $$"""
                {
                  "_base_": ["{{Bases}}/losses/{{name}}.json", "{{Bases}}/datasets/shapes_segmentation.json", "{{Bases}}/runtime.json"],
                  "model": {
                    "type": "Segmentor",
                    "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stem": "small", "output_stride": 8, "out_indices": [0, 1, 2, 3] },
                    "decode_head": { "type": "FcnHead", "channels": 16, "num_convs": 1 }{{auxiliary}}
                  },
                  "optimizer": { "type": "Sgd", "lr": 0.01 },
                  "train": { "loop": "iterations", "iterations": 2, "validate_every": 2, "loader": { "batch_size": 4, "workers": 0 }, "dataset": { "count": 8 } },
                  "val": { "loader": { "batch_size": 4, "workers": 0 }, "dataset": { "count": 4 } },
                  "hooks": { "checkpoint": null, "log": { "type": "LogHook", "interval": 1 } }
                }
                """
            );
            string[] overrides = s_terms[name].Contains("decode.contrast")
                ? ["--cfg-options", "model.decode_head.losses.contrast.warmup_iters=0"]
                : [];
            var trained = Tool.Run(["train", path, "--work-dir", Path.Combine(folder, "run"), "--device", "cpu", .. overrides]).Succeeds();
            Assert.Contains("Done: 2 iterations", trained.All, StringComparison.Ordinal);
            Assert.Contains("mIoU", trained.All, StringComparison.Ordinal);
            var log = File.ReadAllText(Directory.EnumerateFiles(folder, "scalars.jsonl", SearchOption.AllDirectories).Single());
            Assert.All(s_terms[name], term => Assert.Contains($"{term}\":", log, StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
