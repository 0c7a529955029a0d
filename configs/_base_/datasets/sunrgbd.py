# SUN RGB-D, 37 classes, 5285 training and 5050 test images of four cameras.
# Image sizes differ (427x561 to 531x681 and more): in training, all are resized and
# cropped as images of NYUDv2; at test, each is predicted alone, at its own size.
_base_ = './nyudv2.py'
data_root = '{{$SUNRGBD:data/sunrgbd}}'
dataset = dict(type='SUNRGBDDataset', data_root=data_root)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
