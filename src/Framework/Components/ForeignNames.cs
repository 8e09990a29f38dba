using Tessera.Framework.Errors;

namespace Tessera.Framework.Components;

/// <summary>Words of openseg, MMDetection and timm that users will paste, and what Tessera calls the same thing.</summary>
internal static class ForeignNames
{
    private const string OpenSeg = "openseg";
    private const string MmLab = "MMDetection";
    private const string Timm = "timm";

    // Name -> whose it is, where Tessera's own is, and what else to know.
    private static readonly Dictionary<string, (string Origin, string Ours, string? Note)> Options = new()
    {
        ["base_lr"] = (OpenSeg, "optimizer.lr", null),
        ["nbb_mult"] = (OpenSeg, "optimizer.groups.decode_head.lr_mult", null),
        ["bb_mult"] = (OpenSeg, "optimizer.groups.backbone.lr_mult", null),
        ["label_class_ids"] = (OpenSeg, "dataset.label_class_ids", "an option of segmentation data sets, short for a label_map"),
        ["label_list"] = (OpenSeg, "dataset.label_class_ids", "an option of segmentation data sets, short for a label_map"),
        ["seg_map_suffix"] = (MmLab, "label_suffix", null),
        ["img_suffix"] = (MmLab, "image_suffix", null),
        ["img_dir"] = (MmLab, "image_folder", null),
        ["ann_dir"] = (MmLab, "label_folder", null),
        ["metainfo"] = (MmLab, "classes", null),
        ["ce_weight"] = (OpenSeg, "losses.ce.class_weight", null),
        ["ce_ignore_index"] = (OpenSeg, "losses.ce.ignore_index", null),
        ["ce_reduction"] = (OpenSeg, "losses.ce", "every loss is a mean over the pixels that count; leave it out"),
        ["image_tool"] = (OpenSeg, "LoadImage", "a step of the pipeline; images are read as RGB, by one decoder, leave it out"),
        ["input_mode"] = (OpenSeg, "LoadImage", "a step of the pipeline; images are read as RGB, leave it out"),
        ["data_dir"] = (OpenSeg, "dataset.path", null),
        ["data_transformer"] = (OpenSeg, "dataset.pipeline", "a list of steps such as Resize, Pad and RandomCrop"),
        ["size_mode"] = (OpenSeg, "dataset.pipeline", "a step says its size: { \"type\": \"RandomCrop\", \"size\": [512, 1024] }"),
        ["input_size"] = (OpenSeg, "size", "of a step of the pipeline; height first, where openseg has the width first"),
        ["align_method"] = (OpenSeg, "dataset.pipeline", "Pad for \"only_pad\", Resize for \"only_scale\", both for \"scale_and_pad\""),
        ["pad_mode"] = (OpenSeg, "Pad", "a step of the pipeline; it pads on the right and below, RandomCrop takes any part"),
        ["train_trans"] = (OpenSeg, "train.dataset.pipeline", null),
        ["val_trans"] = (OpenSeg, "val.dataset.pipeline", null),
        ["trans_seq"] = (OpenSeg, "dataset.pipeline", "the order of its steps"),
        ["random_hflip"] = (OpenSeg, "RandomFlip", "a step of the pipeline"),
        ["random_resize"] = (OpenSeg, "RandomResize", "a step of the pipeline"),
        ["random_crop"] = (OpenSeg, "RandomCrop", "a step of the pipeline"),
        ["random_brightness"] = (OpenSeg, "PhotoMetricDistortion", "a step of the pipeline; ColorJitter is another"),
        ["div_value"] = (OpenSeg, "Normalize", "a step of the pipeline, whose mean and std are of values from 0 to 255"),
        ["mean_value"] = (OpenSeg, "Normalize", "a step of the pipeline"),
        ["normalize"] = (OpenSeg, "Normalize", "a step of the pipeline"),
        ["scale_search"] = (OpenSeg, "model.test.scales", "with \"flip\": true beside it where the images are mirrored, too"),
        ["network"] = (OpenSeg, "model", null),
        ["model_name"] = (OpenSeg, "model.decode_head.type", null),
        ["bn_type"] = (OpenSeg, "train.sync_bn", "true for \"torchsyncbn\""),
        ["multi_grid"] = (OpenSeg, "model.backbone.multi_grid", "of a ResNet"),
        ["gathered"] = (OpenSeg, "model", "losses are computed on each process and averaged; leave it out"),
        ["loss_balance"] = (OpenSeg, "model", "losses are computed where the logits are; leave it out"),
        ["checkpoints"] = (OpenSeg, "hooks.checkpoint", null),
        ["checkpoints_dir"] = (OpenSeg, "work_dir", null),
        ["checkpoints_root"] = (OpenSeg, "work_dir", null),
        ["checkpoints_name"] = (OpenSeg, "work_dir", null),
        ["out_dir"] = (OpenSeg, "--out-dir", "on the command line of tools/predict; tools/test has --show-dir and --predictions"),
        ["logging"] = (OpenSeg, "hooks.log", null),
        ["log_file"] = (OpenSeg, "work_dir", "the log lies in it"),
        ["logfile_level"] = (OpenSeg, "hooks.log", "there are no levels; leave it out"),
        ["stdout_level"] = (OpenSeg, "hooks.log", "there are no levels; leave it out"),
        ["solver"] = (OpenSeg, "train", null),
        ["optim"] = (OpenSeg, "optimizer", null),
        ["is_warm"] = (OpenSeg, "schedule", "a LinearLr with \"until\" before the others"),
        ["max_samples"] = (OpenSeg, "losses.contrast.max_samples", "of a PixelContrastLoss"),
        ["max_views"] = (OpenSeg, "losses.contrast.max_views", "of a PixelContrastLoss"),
        ["begin"] = (MmLab, "from", "of a phase of the schedule"),
        ["end"] = (MmLab, "until", "of a phase of the schedule"),
        ["by_epoch"] = (
            MmLab,
            "by",
            "\"epoch\" or \"iteration\", of a phase of the schedule; checkpoints have every_epochs and every_iterations"
        ),
        ["T_max"] = (MmLab, "until", "the phase's end"),
        ["eta_min"] = (MmLab, "min_lr", null),
        ["ohem_thresh"] = (OpenSeg, "losses.ce.thresh", "of an OhemCrossEntropyLoss"),
        ["ohem_minkeep"] = (OpenSeg, "losses.ce.min_kept", "of an OhemCrossEntropyLoss"),
        ["loss_type"] = (OpenSeg, "_base_", "openseg's losses are bases: \"_base_\": [\"../_base_/losses/fs_auxce_loss.json\", …]"),
        ["loss_weights"] = (OpenSeg, "losses.….weight", "a weight in each loss of decode_head and auxiliary_head"),
        ["rmi_radius"] = (OpenSeg, "losses.rmi.radius", "of an RmiLoss"),
        ["rmi_pool_way"] = (OpenSeg, "losses.rmi.pool", "\"max\" for 0, \"average\" for 1"),
        ["rmi_pool_size"] = (OpenSeg, "losses.rmi.stride", "of an RmiLoss"),
        ["rmi_pool_stride"] = (OpenSeg, "losses.rmi.stride", "of an RmiLoss"),
        ["loss_weight_lambda"] = (OpenSeg, "losses.rmi.lambda", "of an RmiLoss"),
        ["memory_size"] = (OpenSeg, "losses.contrast.memory.size", "of a PixelContrastLoss"),
        ["proj_dim"] = (OpenSeg, "model.projection_head.dim", null),
        ["with_memory"] = (OpenSeg, "losses.contrast.memory", "of a PixelContrastLoss: an object, or null"),
        ["use_rmi"] = (OpenSeg, "losses", "add an RmiLoss beside the PixelContrastLoss"),
        ["use_lovasz"] = (OpenSeg, "losses", "add a LovaszLoss beside the PixelContrastLoss"),
        ["loss_decode"] = (MmLab, "losses", "a map of named losses"),
        ["sampler_cfg"] = (MmLab, "losses", "an OhemCrossEntropyLoss in place of the OHEMPixelSampler"),
        ["avg_non_ignore"] = (
            MmLab,
            "losses",
            "CrossEntropyLoss, OhemCrossEntropyLoss, FocalLoss and BinaryCrossEntropyLoss have it; elsewhere ignored pixels never "
                + "count, leave it out"
        ),
        ["iou_metrics"] = (MmLab, "metrics", "MeanIoU gives all of them; leave it out"),
        ["max_iters"] = (OpenSeg, "train.iterations", "with \"loop\": \"iterations\""),
        ["test_interval"] = (OpenSeg, "train.validate_every", null),
        ["save_iters"] = (OpenSeg, "hooks.checkpoint.every_iterations", null),
        ["display_iter"] = (OpenSeg, "hooks.log.interval", null),
        ["lr_policy"] = (OpenSeg, "schedule", "a list of schedules, each with a \"type\""),
        ["optim_method"] = (OpenSeg, "optimizer.type", null),
        ["contrast"] = (OpenSeg, "losses.contrast", "a PixelContrastLoss among the head's losses"),
        ["loss_weight"] = (MmLab, "weight", null),
        ["samples_per_gpu"] = (MmLab, "train.loader.batch_size", null),
        ["imgs_per_gpu"] = (MmLab, "train.loader.batch_size", null),
        ["workers_per_gpu"] = (MmLab, "train.loader.workers", null),
        ["num_workers"] = (MmLab, "loader.workers", null),
        ["persistent_workers"] = (MmLab, "loader.workers", "workers always persist"),
        ["max_epochs"] = (MmLab, "train.epochs", null),
        ["total_epochs"] = (MmLab, "train.epochs", null),
        ["val_interval"] = (MmLab, "train.validate_every", null),
        ["train_cfg"] = (MmLab, "train", "of the config; a detector's assigner, sampler and proposals are options of its heads"),
        ["val_cfg"] = (MmLab, "val", null),
        ["test_cfg"] = (MmLab, "model.test", "how a model predicts; the loop of a test needs no word"),
        ["train_dataloader"] = (MmLab, "train.loader", "with the data set in train.dataset"),
        ["val_dataloader"] = (MmLab, "val.loader", "with the data set in val.dataset"),
        ["test_dataloader"] = (MmLab, "test.loader", "with the data set in test.dataset"),
        ["train_pipeline"] = (MmLab, "train.dataset.pipeline", null),
        ["test_pipeline"] = (MmLab, "test.dataset.pipeline", null),
        ["val_evaluator"] = (MmLab, "val.metrics", null),
        ["test_evaluator"] = (MmLab, "test.metrics", null),
        ["evaluation"] = (MmLab, "val.metrics", null),
        ["optim_wrapper"] = (MmLab, "optimizer", null),
        ["optimizer_config"] = (MmLab, "train.clip_grad", null),
        ["grad_clip"] = (MmLab, "train.clip_grad", null),
        ["paramwise_cfg"] = (MmLab, "optimizer.groups", null),
        ["param_scheduler"] = (MmLab, "schedule", null),
        ["lr_config"] = (MmLab, "schedule", null),
        ["default_hooks"] = (MmLab, "hooks", null),
        ["custom_hooks"] = (MmLab, "hooks", "a map of named hooks"),
        ["checkpoint_config"] = (MmLab, "hooks.checkpoint", null),
        ["log_config"] = (MmLab, "hooks", null),
        ["load_from"] = (MmLab, "model.init", "{ \"type\": \"Pretrained\", \"checkpoint\": … }"),
        ["resume_from"] = (MmLab, "--resume", "on the command line"),
        ["resume"] = (MmLab, "--resume", "on the command line"),
        ["init_cfg"] = (MmLab, "init", null),
        ["pretrained"] = (MmLab, "init", "{ \"type\": \"Pretrained\", \"checkpoint\": … }"),
        ["custom_imports"] = (MmLab, "plugins", null),
        ["default_scope"] = (MmLab, "type", "components are known by their names alone"),
        ["randomness"] = (MmLab, "seed", null),
        ["img_scale"] = (
            MmLab,
            "size",
            "height first; (1333, 800) with the ratio kept is \"shorter_side\": 800, \"max_longer_side\": 1333"
        ),
        ["img_norm_cfg"] = (MmLab, "Normalize", "a step of the pipeline"),
        ["data_preprocessor"] = (MmLab, "Normalize", "a step of the pipeline"),
        ["ann_file"] = (MmLab, "annotations", "\"path\" is the folder of the images"),
        ["img_prefix"] = (MmLab, "path", null),
        ["data_prefix"] = (MmLab, "path", null),
        ["num_classes"] = (MmLab, "dataset", "the count comes from the data's class names"),
        ["in_channels"] = (MmLab, "model", "the width follows from the part before; leave it out"),
        ["data"] = (MmLab, "train.dataset", "with val.dataset and test.dataset beside it, and a loader in each part"),
        ["data_root"] = (MmLab, "path", "of the data set; data_root at the root of the config is where all paths begin"),
        ["dataset_type"] = (MmLab, "dataset.type", null),
        ["filter_cfg"] = (MmLab, "filter_empty", "of a detection data set"),
        ["shuffle"] = (MmLab, "sampler", "training data is shuffled, others keep their order; leave it out"),
        ["pin_memory"] = (MmLab, "loader", "there is nothing to choose; leave it out"),
        ["to_rgb"] = (MmLab, "LoadImage", "a step of the pipeline; images are read as RGB, leave it out"),
        ["flip_ratio"] = (MmLab, "prob", "of RandomFlip"),
        ["crop_size"] = (MmLab, "size", "of RandomCrop, a step of the pipeline"),
        ["tta_model"] = (MmLab, "model.test", "flip and scales"),
        ["tta_pipeline"] = (MmLab, "model.test", "flip and scales"),
        ["runner"] = (MmLab, "train.epochs", "or iterations with \"loop\": \"iterations\""),
        ["fp16"] = (MmLab, "precision", "\"auto\" takes bf16 where the device has it"),
        ["auto_scale_lr"] = (MmLab, "optimizer.lr", "rates are taken as they are written, whatever the batch; leave it out"),
        ["with_cp"] = (MmLab, "train.checkpoint_activations", null),
        ["find_unused_parameters"] = (MmLab, "train", "parts without a gradient need no word; leave it out"),
        ["cudnn_benchmark"] = (MmLab, "device", "there is nothing to choose; leave it out"),
        ["env_cfg"] = (MmLab, "threads", "the other words of it have no counterpart; leave them out"),
        ["log_level"] = (MmLab, "hooks.log", "there are no levels; leave it out"),
        ["visualizer"] = (MmLab, "hooks", "the log and its curves are written without one; leave it out"),
        ["num_stages"] = (MmLab, "out_indices", "a backbone's stages follow from its architecture; a ResNet's from stage_blocks"),
        ["norm_cfg"] = (MmLab, "train.sync_bn", "true for SyncBN; heads and necks that can have other norms take \"norm\""),
        ["use_sigmoid"] = (MmLab, "losses", "BinaryCrossEntropyLoss is the one with a sigmoid, CrossEntropyLoss with a softmax"),
        ["bbox_coder"] = (MmLab, "box_coder", null),
        ["amp"] = (Timm, "precision", null),
        ["drop_path_rate"] = (Timm, "drop_path", null),
        ["drop_rate"] = (Timm, "dropout", null),
        ["attn_drop_rate"] = (Timm, "attention_dropout", null),
        ["img_size"] = (Timm, "image_size", null),
        ["mixup"] = (Timm, "train.batch_transforms", null),
        ["smoothing"] = (Timm, "label_smoothing", "of a CrossEntropyLoss"),
        ["cutmix"] = (Timm, "train.batch_transforms", null),
        ["reprob"] = (Timm, "RandomErasing", "a step of the pipeline"),
        ["aa"] = (Timm, "RandAugment", "a step of the pipeline"),
        ["model_ema"] = (Timm, "hooks", "an EmaHook"),
        ["sched"] = (Timm, "schedule", null),
        ["warmup_lr"] = (Timm, "schedule", "a LinearLr with \"until\" before the others"),
        ["warmup_epochs"] = (Timm, "schedule", "a LinearLr with \"until\" before the others"),
        ["batch_size"] = (Timm, "train.loader.batch_size", null),
        ["max_norm"] = (MmLab, "norm", "of train.clip_grad"),
        ["max_keep_ckpts"] = (MmLab, "keep", "of a CheckpointHook"),
        ["interval"] = (MmLab, "every_epochs", null),
        ["monitor"] = (MmLab, "metric", "of a hook that follows one"),
        ["dropout_ratio"] = (MmLab, "dropout", "of a segmentation head"),
        ["classwise"] = (MmLab, "metrics", "tables by class are always written; leave it out"),
        ["to_float32"] = (MmLab, "LoadImage", "a step of the pipeline; there is nothing to choose, leave it out"),
        ["dist_params"] = (MmLab, "train", "the launcher says how processes meet; leave it out"),
        ["workflow"] = (MmLab, "train.validate_every", null),
    };

    private static readonly HashSet<string> Roots =
    [
        "model",
        "train",
        "val",
        "test",
        "optimizer",
        "schedule",
        "hooks",
        "precision",
        "seed",
        "threads",
        "device",
        "plugins",
        "work_dir",
        "_base_",
    ];

    /// <summary>A plain option of some component: no path from the config's root, no component, no word of a command line.</summary>
    private static bool IsOfOnePlace(string ours) =>
        char.IsAsciiLetterLower(ours[0]) && !ours.Contains('.', StringComparison.Ordinal) && !Roots.Contains(ours);

    /// <summary>Every option that a message recommends, with what is said beside it.</summary>
    public static IEnumerable<(string Word, string Ours, string? Note)> RecommendedOptions =>
        Options.Select(entry => (entry.Key, entry.Value.Ours, entry.Value.Note));

    /// <summary>What the option is called here, or null for a name of nobody's.</summary>
    /// <param name="known">The options at the place where it was written.</param>
    public static string? Option(string name, IReadOnlyCollection<string> known)
    {
        if (!Options.TryGetValue(name, out var entry))
            return null;
        var last = entry.Ours.Split('.')[^1];
        var ours = known.Contains(last) ? last : entry.Ours;
        if (entry.Note is null && IsOfOnePlace(ours) && !known.Contains(ours))
            return null; // it would send a user to an option that isn't here
        return $"That is {entry.Origin}'s word; here it is \"{ours}\"{(entry.Note is null ? "" : $": {entry.Note}")}.";
    }
}
